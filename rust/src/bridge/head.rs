//! `_native.Head`: a request for Python, decoded lazily, and the way its answer takes back.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use hipflask_http1::{Framing, ResponseHead};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use super::answer::{Preset, head_of, payload_of, payload_of_text};
use super::body::{Body, failure};
use super::environ::make_environ;
use super::text::{latin1, method, unquote, utf8};
use super::{Core, lock};
use crate::body::{End, Taken};
use crate::listener::file_of;
use crate::proxies;
use crate::reply::{Action, FilePart};
use crate::request::Request;
use crate::server::overload;

pub(super) const UNANSWERED: u8 = 0;
const BEGUN: u8 = 1;
pub(super) const ANSWERED: u8 = 2;
/// The length of an answer is not known.
const ANY: u64 = u64::MAX;

/// A request, and where its answer goes.
#[pyclass(frozen, module = "hipflask.server._native")]
pub struct Head {
    pub(super) request: Arc<Request>,
    pub(super) core: Arc<Core>,
    method: PyOnceLock<Py<PyString>>,
    path: PyOnceLock<Py<PyString>>,
    // Not of PyO3's kind, whose content the garbage collector could not visit.
    body: OnceLock<Py<PyAny>>,
    environ: OnceLock<Py<PyDict>>,
    extensions: OnceLock<Py<PyDict>>,
    matched: Mutex<Option<Py<PyTuple>>>,
    answer: AtomicU8,
    started: Mutex<Option<ResponseHead>>,
    /// Bytes of the answer that are still to come.
    left: AtomicU64,
}

impl Head {
    pub const fn new(request: Arc<Request>, core: Arc<Core>) -> Self {
        Self {
            request,
            core,
            method: PyOnceLock::new(),
            path: PyOnceLock::new(),
            body: OnceLock::new(),
            environ: OnceLock::new(),
            extensions: OnceLock::new(),
            matched: Mutex::new(None),
            answer: AtomicU8::new(UNANSWERED),
            started: Mutex::new(None),
            left: AtomicU64::new(ANY),
        }
    }

    /// Checks a whole body, and returns what sends it.
    fn complete(&self, body: &Bound<'_, PyAny>) -> PyResult<Action> {
        self.release(body.py())?;
        let payload = payload_of(body)?;
        if self.left.load(Ordering::Acquire) != ANY {
            self.count(payload.as_slice().len() as u64)?;
            self.check_end()?;
        }
        let head = self.take_started()?;
        self.advance(UNANSWERED, ANSWERED)?;
        Ok(Action::Answer(head, payload))
    }

    pub(super) fn push(&self, action: Action) {
        self.core.replies.push(self.request.ticket, action);
    }

    /// Moves the answer on; an error if it is not where it should be.
    pub(super) fn advance(&self, from: u8, to: u8) -> PyResult<()> {
        self.answer
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
            .map(|_| ())
            .map_err(|_| {
                PyRuntimeError::new_err(
                    "The request was answered already, or its answer was not begun.",
                )
            })
    }

    /// The request is over: its environ, which names the request object, must not keep it in a cycle.
    pub(super) fn release(&self, py: Python<'_>) -> PyResult<()> {
        let Some(environ) = self.environ.get() else {
            return Ok(());
        };
        let key = intern!(py, "werkzeug.request");
        let environ = environ.bind(py);
        if environ.contains(key)? {
            environ.set_item(key, py.None())?;
        }
        Ok(())
    }

    /// Whether an answer of this status has no body on the wire.
    fn is_bodiless(&self, status: u16) -> bool {
        matches!(status, 204 | 205 | 304)
            || self.request.head.method.of(&self.request.bytes) == b"HEAD"
    }

    /// Whether the method is HEAD in other letters. Methods are case-sensitive (RFC 9110, 9.1), but Python takes it
    /// for HEAD and makes no body: what the answer says of its length is not to be believed.
    fn is_misspelt_head(&self) -> bool {
        let method = self.request.head.method.of(&self.request.bytes);
        method != b"HEAD" && method.eq_ignore_ascii_case(b"HEAD")
    }

    fn count(&self, size: u64) -> PyResult<()> {
        let left = self.left.load(Ordering::Acquire);
        if left == ANY {
            return Ok(());
        }
        let Some(rest) = left.checked_sub(size) else {
            let over = size.saturating_sub(left);
            return Err(PyValueError::new_err(format!(
                "The response's body is {over} bytes longer than its Content-Length says."
            )));
        };
        self.left.store(rest, Ordering::Release);
        Ok(())
    }

    fn check_end(&self) -> PyResult<()> {
        match self.left.load(Ordering::Acquire) {
            ANY | 0 => Ok(()),
            left => Err(PyValueError::new_err(format!(
                "The response's body is {left} bytes shorter than its Content-Length says."
            ))),
        }
    }

    fn take_started(&self) -> PyResult<ResponseHead> {
        lock(&self.started).take().ok_or_else(|| {
            PyRuntimeError::new_err("The answer has no status yet: call start() first.")
        })
    }

    /// Calls a function with each field's name and value; the host is the one that the request is for.
    pub(super) fn each_field(
        &self,
        mut call: impl FnMut(&[u8], &[u8]) -> PyResult<()>,
    ) -> PyResult<()> {
        let head = &self.request.head;
        let host = head.host.of(&self.request.bytes);
        let mut has_host = false;
        for (name, value) in head.fields(&self.request.bytes) {
            if name.eq_ignore_ascii_case(b"host") {
                has_host = true;
                call(name, host)?;
            } else {
                call(name, value)?;
            }
        }
        if !has_host && !host.is_empty() {
            call(b"Host", host)?;
        }
        Ok(())
    }

    pub(super) fn raw_path(&self) -> &[u8] {
        self.request.head.path(&self.request.bytes)
    }

    pub(super) fn raw_query(&self) -> &[u8] {
        self.request
            .head
            .query
            .map_or(b"", |query| query.of(&self.request.bytes))
    }

    pub(super) fn decoded_path<'py>(
        &self,
        py: Python<'py>,
        collapses: bool,
    ) -> Bound<'py, PyString> {
        let raw = self.raw_path();
        let decoded;
        let mut path = if raw.contains(&b'%') {
            decoded = unquote(raw);
            &decoded
        } else {
            raw
        };
        if collapses {
            while path.starts_with(b"//") {
                path = path.get(1..).unwrap_or_default();
            }
        }
        utf8(py, path)
    }
}

/// Returns the address that a connection comes from, as text.
pub(super) fn host_of(peer: Option<SocketAddr>) -> String {
    peer.map_or_else(|| "<local>".to_owned(), |peer| peer.ip().to_string()) // as the pure server has it
}

/// Returns what is kept, made first if need be. Nothing is run while it is locked: that could wait for ever.
fn once<'py, T>(
    py: Python<'py>,
    kept: &OnceLock<Py<T>>,
    make: impl FnOnce() -> PyResult<Py<T>>,
) -> PyResult<Bound<'py, T>> {
    if let Some(found) = kept.get() {
        return Ok(found.bind(py).clone());
    }
    let made = make()?;
    Ok(kept.get_or_init(|| made).bind(py).clone())
}

#[pymethods]
impl Head {
    #[getter]
    fn method<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        let make = || method(py, self.request.head.method.of(&self.request.bytes)).unbind();
        self.method.get_or_init(py, make).bind(py).clone()
    }

    #[getter]
    fn path<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        let make = || self.decoded_path(py, true).unbind();
        self.path.get_or_init(py, make).bind(py).clone()
    }

    fn approve_host(&self) {
        let host = self.request.head.host.of(&self.request.bytes);
        *lock(&self.core.approved_host) = host.to_vec();
    }

    #[getter]
    fn path_info<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.decoded_path(py, false)
    }

    #[getter]
    fn target<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        latin1(py, self.request.head.target.of(&self.request.bytes))
    }

    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        self.each_field(|name, value| list.append((latin1(py, name), latin1(py, value))))?;
        Ok(list)
    }

    #[getter]
    fn http_version<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        match self.request.head.minor_version {
            0 => intern!(py, "1.0").clone(),
            _ => intern!(py, "1.1").clone(),
        }
    }

    #[getter]
    pub(super) fn scheme<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        let found = proxies::scheme(&self.request, self.core.settings.trusted_proxies);
        found.map_or_else(
            || intern!(py, "http").clone(),
            |name| PyString::intern(py, name),
        )
    }

    #[getter]
    pub(super) fn client(&self) -> (String, u16) {
        let peer = self.request.peer;
        let port = peer.map_or(0, |peer| peer.port());
        let found = proxies::client(&self.request, self.core.settings.trusted_proxies);
        (found.unwrap_or_else(|| host_of(peer)), port)
    }

    #[getter]
    fn server(&self) -> (String, Option<u16>) {
        (self.request.local.host.clone(), self.request.local.port)
    }

    #[getter]
    fn root_path<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        intern!(py, "").clone()
    }

    #[getter]
    fn query_string<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.raw_query())
    }

    #[getter]
    pub(super) fn body<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let make = || {
            let body = Body::new(Arc::clone(&self.request), Arc::clone(&self.core));
            Py::new(py, body).map(Py::into_any)
        };
        once(py, &self.body, make)
    }

    fn replace_body(&self, py: Python<'_>, stream: Py<PyAny>) -> PyResult<Py<Body>> {
        if self.body.set(stream).is_err() {
            return Err(PyRuntimeError::new_err(
                "The body has been given out already.",
            ));
        }
        Py::new(
            py,
            Body::new(Arc::clone(&self.request), Arc::clone(&self.core)),
        )
    }

    #[getter]
    pub(super) fn errors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import(intern!(py, "sys"))?
            .getattr(intern!(py, "stderr"))
    }

    #[getter]
    fn extensions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        once(py, &self.extensions, || Ok(PyDict::new(py).unbind()))
    }

    #[getter]
    fn may_have_body(&self) -> bool {
        self.request.body.is_some()
    }

    #[getter]
    fn content_length(&self) -> u64 {
        match self.request.head.body {
            Framing::Length(length) => length,
            Framing::Chunked => 0,
        }
    }

    #[getter]
    const fn is_told_by_send(&self) -> bool {
        true
    }

    #[getter]
    fn is_unanswered(&self) -> bool {
        self.answer.load(Ordering::Acquire) == UNANSWERED
    }

    fn get_header<'py>(&self, py: Python<'py>, name: &str) -> Option<Bound<'py, PyString>> {
        let head = &self.request.head;
        if name == "host" {
            let host = head.host.of(&self.request.bytes);
            return (!host.is_empty()).then(|| latin1(py, host));
        }
        let is_named = |field: &(&[u8], &[u8])| field.0.eq_ignore_ascii_case(name.as_bytes());
        let mut fields = head.fields(&self.request.bytes).filter(is_named);
        let (_, first) = fields.next()?;
        let Some((_, second)) = fields.next() else {
            return Some(latin1(py, first));
        };
        let joint: &[u8] = if name == "cookie" { b"; " } else { b"," };
        let mut all = [first, joint, second].concat();
        for (_, value) in fields {
            all.extend_from_slice(joint);
            all.extend_from_slice(value);
        }
        Some(latin1(py, &all))
    }

    fn is_disconnected(&self) -> bool {
        self.request.is_gone()
    }

    fn set_match(&self, found: Py<PyTuple>) {
        *lock(&self.matched) = Some(found);
    }

    fn take_match(&self) -> Option<Py<PyTuple>> {
        lock(&self.matched).take()
    }

    #[getter]
    fn is_cut(&self) -> bool {
        self.request.is_cut()
    }

    fn to_environ<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
        let make = || make_environ(slf).map(Bound::unbind);
        once(slf.py(), &slf.get().environ, make)
    }

    // For an event loop

    fn watch(&self, key: u64) -> bool {
        self.request.watch(key)
    }

    fn receive<'py>(&self, py: Python<'py>, key: u64) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let Some(incoming) = &self.request.body else {
            return Ok(Some(PyBytes::new(py, b"")));
        };
        loop {
            let (taken, has_room) = incoming.take();
            if has_room {
                self.push(Action::Receive(Arc::clone(&self.request)));
            }
            match taken {
                Taken::Data(data) => return Ok(Some(PyBytes::new(py, &data))),
                Taken::Ended(End::Whole) => return Ok(Some(PyBytes::new(py, b""))),
                Taken::Ended(end) => return Err(failure(py, end)),
                Taken::Pending => {
                    if incoming.want(key) {
                        self.push(Action::Receive(Arc::clone(&self.request)));
                    }
                    if !incoming.is_ready() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    // The answer

    #[pyo3(signature = (status, headers, exc_info=None, /))]
    fn start(
        &self,
        status: &Bound<'_, PyString>,
        headers: &Bound<'_, PyList>,
        exc_info: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = exc_info; // of PEP 3333; there is nothing to be said about it before the answer has begun
        let mut head = head_of(status, headers)?;
        if self.is_misspelt_head() {
            head.forget_content_length();
        }
        let length = head
            .content_length()
            .filter(|_| !self.is_bodiless(head.status()));
        self.left.store(length.unwrap_or(ANY), Ordering::Release);
        *lock(&self.started) = Some(head);
        Ok(())
    }

    #[getter]
    fn has_body(&self) -> bool {
        lock(&self.started)
            .as_ref()
            .is_none_or(|head| !self.is_bodiless(head.status()))
    }

    #[getter]
    fn bytes_left(&self) -> Option<u64> {
        Some(self.left.load(Ordering::Acquire)).filter(|left| *left != ANY)
    }

    fn answer(&self, body: &Bound<'_, PyAny>) -> PyResult<()> {
        let action = self.complete(body)?;
        self.push(action);
        Ok(())
    }

    fn answer_text(
        &self,
        preset: &Preset,
        text: &Bound<'_, PyString>,
        is_soon: bool,
    ) -> PyResult<()> {
        let payload = payload_of_text(text)?;
        self.answer_alike(text.py(), &preset.head, payload, is_soon)
    }

    fn answer_soon(&self, body: &Bound<'_, PyAny>) -> PyResult<()> {
        let action = self.complete(body)?;
        self.core.replies.hold(self.request.ticket, action);
        Ok(())
    }

    fn begin(&self, key: u64) -> PyResult<()> {
        let head = self.take_started()?;
        self.advance(UNANSWERED, BEGUN)?;
        self.push(Action::Begin(head, key));
        Ok(())
    }

    fn send(&self, data: &Bound<'_, PyAny>) -> PyResult<()> {
        let payload = payload_of(data)?;
        self.count(payload.as_slice().len() as u64)?;
        self.advance(BEGUN, BEGUN)?;
        self.push(Action::Part(payload));
        Ok(())
    }

    fn send_file(&self, descriptor: i32, offset: u64, size: u64) -> PyResult<()> {
        let file = file_of(descriptor)?;
        self.count(size)?;
        self.advance(BEGUN, BEGUN)?;
        self.push(Action::File(FilePart { file, offset, size }));
        Ok(())
    }

    fn answer_file(&self, py: Python<'_>, descriptor: i32, offset: u64, size: u64) -> PyResult<()> {
        let file = file_of(descriptor)?;
        self.release(py)?;
        self.count(size)?;
        self.check_end()?;
        let head = self.take_started()?;
        self.advance(UNANSWERED, ANSWERED)?;
        self.push(Action::AnswerFile(head, FilePart { file, offset, size }));
        Ok(())
    }

    fn end(&self, py: Python<'_>) -> PyResult<()> {
        self.release(py)?;
        self.check_end()?;
        self.advance(BEGUN, ANSWERED)?;
        self.push(Action::End);
        Ok(())
    }

    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        if self.answer.swap(ANSWERED, Ordering::AcqRel) != ANSWERED {
            self.push(Action::Abort);
        }
        self.release(py)
    }

    fn refuse(&self) {
        if self.answer.swap(ANSWERED, Ordering::AcqRel) == UNANSWERED {
            self.push(Action::Refuse(overload()));
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Without __clear__: each cycle through a head has an object that can be cleared.
        visit.call(self.body.get())?;
        visit.call(self.environ.get())?;
        visit.call(self.extensions.get())
    }

    fn __repr__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let parts = (slf.get().method(py), slf.get().target(py).repr()?);
        let template = PyString::new(py, "<Head %s %s>");
        template.call_method1("__mod__", (PyTuple::new(py, [parts.0, parts.1])?,))
    }
}

impl Drop for Head {
    /// A request that nobody will answer any more must not keep its client waiting.
    fn drop(&mut self) {
        if !self.request.is_cut() && self.answer.load(Ordering::Acquire) != ANSWERED {
            self.push(Action::Abort);
        }
    }
}

impl Core {
    /// Returns a request as Python has it. For want of memory there may be none; its head's drop has told its client.
    pub fn head_of(self: &Arc<Self>, py: Python<'_>, request: Arc<Request>) -> Option<Py<Head>> {
        let made = Py::new(py, Head::new(request, Arc::clone(self)));
        made.map_err(|error| error.write_unraisable(py, None)).ok()
    }
}
