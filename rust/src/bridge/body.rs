//! `wsgi.input`: a request's body as a stream for Python.

use std::sync::{Arc, Mutex};

use memchr::memchr;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyMemoryView, PySlice};

use super::{Core, lock};
use crate::body::{End, Taken};
use crate::reply::Action;
use crate::request::Request;

/// What was received and not read yet.
#[derive(Default)]
struct Rest {
    data: Vec<u8>,
    at: usize,
}

impl Rest {
    fn take(&mut self, size: usize) -> &[u8] {
        let end = self.at.saturating_add(size).min(self.data.len());
        let found = self.data.get(self.at..end).unwrap_or_default();
        self.at = end;
        found
    }

    fn as_slice(&self) -> &[u8] {
        self.data.get(self.at..).unwrap_or_default()
    }
}

/// The body of one request, read once from front to back.
#[pyclass(frozen, module = "hipflask.server._native")]
pub struct Body {
    request: Arc<Request>,
    core: Arc<Core>,
    rest: Mutex<Rest>,
}

impl Body {
    pub fn new(request: Arc<Request>, core: Arc<Core>) -> Self {
        Self {
            request,
            core,
            rest: Mutex::default(),
        }
    }

    fn ask_for_more(&self) {
        let action = Action::Receive(Arc::clone(&self.request));
        self.core.replies.push(self.request.ticket, action);
    }

    /// Has at least one byte in `rest`; false at the end of the body. Waits detached.
    fn fill(&self, py: Python<'_>) -> PyResult<bool> {
        if !lock(&self.rest).as_slice().is_empty() {
            return Ok(true);
        }
        let Some(incoming) = &self.request.body else {
            return Ok(false);
        };
        loop {
            let (taken, has_room) = incoming.take();
            if has_room {
                self.ask_for_more();
            }
            match taken {
                Taken::Data(data) => {
                    *lock(&self.rest) = Rest { data, at: 0 };
                    return Ok(true);
                }
                Taken::Ended(End::Whole) => return Ok(false),
                Taken::Ended(end) => return Err(failure(py, end)),
                Taken::Pending => {
                    if incoming.want(0) {
                        self.ask_for_more();
                    }
                    py.detach(|| incoming.wait());
                }
            }
        }
    }

    /// Reads up to `size` bytes into pieces.
    fn collect(&self, py: Python<'_>, size: usize) -> PyResult<Vec<u8>> {
        let mut data = Vec::new();
        while data.len() < size && self.fill(py)? {
            let left = size.saturating_sub(data.len());
            let mut rest = lock(&self.rest);
            if data.is_empty() && rest.at == 0 && rest.data.len() <= left {
                data = std::mem::take(&mut *rest).data;
            } else {
                data.extend_from_slice(rest.take(left));
            }
        }
        Ok(data)
    }

    fn line(&self, py: Python<'_>, size: usize) -> PyResult<Vec<u8>> {
        let mut line = Vec::new();
        while line.len() < size && self.fill(py)? {
            let mut rest = lock(&self.rest);
            let left = size.saturating_sub(line.len());
            let found = rest.as_slice();
            let found = memchr(b'\n', found.get(..left).unwrap_or(found));
            let length = found.map_or(left, |at| at.saturating_add(1));
            line.extend_from_slice(rest.take(length));
            if line.ends_with(b"\n") {
                break;
            }
        }
        Ok(line)
    }
}

/// Returns the size that a caller means.
fn limit(size: Option<isize>) -> usize {
    size.and_then(|size| usize::try_from(size).ok())
        .unwrap_or(usize::MAX)
}

/// Returns the exception for a body that is not whole.
pub fn failure(py: Python<'_>, end: End) -> PyErr {
    let (name, text) = match end {
        End::Refused(kind) if kind.status() == 413 => ("RequestEntityTooLarge", None),
        End::Refused(hipflask_http1::ErrorKind::IncompleteBody) | End::Gone | End::Whole => {
            ("ClientDisconnected", None)
        }
        End::Refused(kind) => ("BadRequest", Some(kind.text())),
        End::TooSlow => ("RequestTimeout", None),
    };
    let made = py
        .import("hipflask.http.exceptions")
        .and_then(|module| module.getattr(name))
        .and_then(|class| match text {
            Some(text) => class.call1((format!("The request's body is refused: {text}."),)),
            None => class.call0(),
        });
    match made {
        Ok(value) => PyErr::from_value(value),
        Err(error) => error,
    }
}

#[pymethods]
impl Body {
    #[pyo3(signature = (size=-1, /))]
    fn read<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.collect(py, limit(size))?))
    }

    #[pyo3(signature = (size=-1, /))]
    fn read1<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        let size = limit(size);
        if size == 0 || !self.fill(py)? {
            return Ok(PyBytes::new(py, b""));
        }
        Ok(PyBytes::new(py, lock(&self.rest).take(size)))
    }

    #[pyo3(signature = (size=-1, /))]
    fn readline<'py>(&self, py: Python<'py>, size: Option<isize>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.line(py, limit(size))?))
    }

    #[pyo3(signature = (hint=-1, /))]
    fn readlines<'py>(&self, py: Python<'py>, hint: Option<isize>) -> PyResult<Bound<'py, PyList>> {
        let most = match hint {
            Some(0) | None => usize::MAX,
            hint => limit(hint),
        };
        let lines = PyList::empty(py);
        let mut size = 0_usize;
        while size < most {
            let line = self.line(py, usize::MAX)?;
            if line.is_empty() {
                break;
            }
            size = size.saturating_add(line.len());
            lines.append(PyBytes::new(py, &line))?;
        }
        Ok(lines)
    }

    fn readinto(&self, py: Python<'_>, buffer: &Bound<'_, PyAny>) -> PyResult<usize> {
        let view = PyMemoryView::from(buffer)?.call_method1(intern!(py, "cast"), ("B",))?;
        let size = view.len()?;
        if size == 0 || !self.fill(py)? {
            return Ok(0);
        }
        let data = PyBytes::new(py, lock(&self.rest).take(size));
        let length = data.len()?;
        view.set_item(PySlice::new(py, 0, isize::try_from(length)?, 1), data)?;
        Ok(length)
    }

    const fn readable(&self) -> bool {
        true
    }

    const fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let line = self.line(py, usize::MAX)?;
        Ok((!line.is_empty()).then(|| PyBytes::new(py, &line)))
    }
}
