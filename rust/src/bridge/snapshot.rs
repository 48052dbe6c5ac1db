//! `_native.Snapshot`: whether all that a verdict rests upon is as it was.

use std::os::raw::c_uint;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hipflask_http1::ResponseHead;
use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyType};

use super::answer::{Preset, payload_of_text};
use super::head::{ANSWERED, Head, UNANSWERED};
use super::lock;
use super::text::method;
use crate::reply::{Action, Payload};

/// Classes, containers and entries of dicts as they were when the snapshot was taken.
#[pyclass(frozen, module = "hipflask.server._native")]
pub struct Snapshot {
    classes: Vec<(Py<PyType>, c_uint)>,
    dicts: Vec<Py<PyDict>>,
    lists: Vec<Py<PyList>>,
    entries: Vec<(Py<PyDict>, Py<PyAny>, Py<PyAny>)>,
    makes: [Py<PyType>; 3],
    is_open: AtomicBool,
}

/// Returns CPython's number for the state of a class and its bases; 0 if it has none at present. A change of any
/// of them takes the number away, and it is never given again.
fn version(class: &Bound<'_, PyType>) -> c_uint {
    #[allow(unsafe_code)]
    // SAFETY: the object is a class and alive, the interpreter's lock is held; one field is read
    unsafe {
        (*class.as_type_ptr()).tp_version_tag
    }
}

/// Makes an object without its `__init__`.
fn make<'py>(py: Python<'py>, class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    let arguments = PyTuple::empty(py);
    #[allow(unsafe_code)]
    // SAFETY: the slot of a class that is alive, called as `class.__new__(class)` calls it; it gives a new object or
    // none and an exception
    unsafe {
        let class = class.as_type_ptr();
        let Some(new) = (*class).tp_new else {
            return Err(PyTypeError::new_err("The class makes no objects."));
        };
        let made = new(class, arguments.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(py, made)
    }
}

/// What `Head::outline` returns.
type Outline<'py> = (Bound<'py, PyString>, Bound<'py, PyString>, bool, bool);

impl Head {
    /// What matching looks at: method, path, whether the host is the one approved last, and whether there are
    /// cookies; none if it looks at more.
    fn outline<'py>(&self, py: Python<'py>) -> Option<Outline<'py>> {
        let request = &self.request;
        let name = request.head.method.of(&request.bytes);
        if !matches!(name, b"GET" | b"POST" | b"PUT" | b"PATCH" | b"DELETE") {
            return None;
        }
        let mut has_cookie = false;
        for (name, _) in request.head.fields(&request.bytes) {
            match name.len() {
                6 => has_cookie |= name.eq_ignore_ascii_case(b"cookie"),
                7 if name.eq_ignore_ascii_case(b"upgrade") => return None,
                _ => {}
            }
        }
        let host = request.head.host.of(&request.bytes);
        let is_approved = *lock(&self.core.approved_host) == host;
        let path = self.decoded_path(py, true);
        Some((method(py, name), path, is_approved, has_cookie))
    }

    /// Answers with a body under status and fields that were checked before.
    pub(super) fn answer_alike(
        &self,
        py: Python<'_>,
        preset: &Arc<ResponseHead>,
        payload: Payload,
        is_soon: bool,
    ) -> PyResult<()> {
        self.release(py)?;
        self.advance(UNANSWERED, ANSWERED)?;
        let action = Action::AnswerAlike(Arc::clone(preset), payload);
        if is_soon {
            self.core.replies.hold(self.request.ticket, action);
        } else {
            self.push(action);
        }
        Ok(())
    }
}

#[pymethods]
impl Snapshot {
    #[new]
    fn new(
        classes: Vec<Bound<'_, PyType>>,
        empties: Vec<Bound<'_, PyAny>>,
        entries: Vec<(Bound<'_, PyDict>, Py<PyAny>, Py<PyAny>)>,
        makes: [Py<PyType>; 3],
    ) -> PyResult<Self> {
        let mut snapshot = Self {
            classes: Vec::with_capacity(classes.len()),
            dicts: Vec::new(),
            lists: Vec::new(),
            entries: Vec::with_capacity(entries.len()),
            makes,
            is_open: AtomicBool::new(false),
        };
        for class in classes {
            class.getattr(intern!(class.py(), "__init__"))?; // a look at a class gives it a number
            let seen = version(&class);
            snapshot.classes.push((class.unbind(), seen));
        }
        for empty in empties {
            match empty.cast_into::<PyDict>() {
                Ok(dict) => snapshot.dicts.push(dict.unbind()),
                Err(other) => {
                    let list = other.into_inner().cast_into::<PyList>()?;
                    snapshot.lists.push(list.unbind());
                }
            }
        }
        for (dict, key, value) in entries {
            snapshot.entries.push((dict.unbind(), key, value));
        }
        Ok(snapshot)
    }

    /// Says that everything depends on what was looked at only.
    fn open(&self) {
        self.is_open.store(true, Ordering::Release);
    }

    fn is_stale(&self, py: Python<'_>) -> PyResult<bool> {
        let is_same = |(class, seen): &(Py<PyType>, c_uint)| {
            let now = version(class.bind(py));
            now == *seen && now != 0
        };
        if !self.classes.iter().all(is_same) {
            return Ok(true);
        }
        for (dict, key, value) in &self.entries {
            let found = dict.bind(py).get_item(key)?;
            if !found.is_some_and(|found| found.is(value)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn holds(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.is_open.load(Ordering::Acquire)
            && self.dicts.iter().all(|dict| dict.bind(py).is_empty())
            && self.lists.iter().all(|list| list.bind(py).is_empty())
            && !self.is_stale(py)?)
    }

    fn outline<'py>(&self, py: Python<'py>, head: &Head) -> PyResult<Option<Outline<'py>>> {
        if !self.holds(py)? {
            return Ok(None);
        }
        Ok(head.outline(py))
    }

    fn answer(
        &self,
        preset: &Preset,
        head: &Head,
        text: &Bound<'_, PyString>,
        is_soon: bool,
    ) -> PyResult<bool> {
        let Ok(payload) = payload_of_text(text) else {
            return Ok(false); // it has surrogates
        };
        if !self.holds(text.py())? {
            return Ok(false);
        }
        head.answer_alike(text.py(), &preset.head, payload, is_soon)?;
        Ok(true)
    }

    fn make<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let [first, second, third] = &self.makes;
        Ok((
            make(py, first.bind(py))?,
            make(py, second.bind(py))?,
            make(py, third.bind(py))?,
        ))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Without __clear__: each cycle through a snapshot has an application, which can be cleared.
        for (class, _) in &self.classes {
            visit.call(class)?;
        }
        for dict in &self.dicts {
            visit.call(dict)?;
        }
        for list in &self.lists {
            visit.call(list)?;
        }
        for (dict, _, value) in &self.entries {
            visit.call(dict)?;
            visit.call(value)?;
        }
        Ok(())
    }
}
