//! What an application answers, checked once and turned into what the I/O thread sends.

use std::sync::Arc;

use hipflask_http1::{AnswerError, ResponseHead};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use super::text::latin1_bytes;
use crate::reply::Payload;

/// Bodies up to this size are copied: cheaper than to keep the object and give it back.
const COPIED_BYTES: usize = 4096;

fn refuse(error: AnswerError, what: &Bound<'_, PyAny>) -> PyErr {
    let what = what
        .repr()
        .map_or_else(|_| String::new(), |repr| repr.to_string());
    PyValueError::new_err(format!("The response's {what} cannot be sent: {error}."))
}

/// Returns status line and fields in the form they are sent in.
///
/// # Errors
///
/// `ValueError` for what must not be sent, `TypeError` for what is no text.
pub fn head_of(
    status: &Bound<'_, PyString>,
    headers: &Bound<'_, PyList>,
) -> PyResult<ResponseHead> {
    let line = latin1_bytes(status)?;
    let code = line
        .get(..3)
        .and_then(|digits| std::str::from_utf8(digits).ok());
    let code = code.and_then(|digits| digits.parse().ok());
    let rest = line.get(3..).unwrap_or_default();
    let (Some(code), true) = (code, rest.is_empty() || rest.starts_with(b" ")) else {
        return Err(refuse(AnswerError::Status, status));
    };
    let mut head = ResponseHead::new(code, rest.get(1..).unwrap_or_default())
        .map_err(|error| refuse(error, status))?;
    for field in headers.iter() {
        let pair = field.cast::<PyTuple>()?;
        let (name, value) = (pair.get_borrowed_item(0)?, pair.get_borrowed_item(1)?);
        let (name, value) = (name.cast::<PyString>()?, value.cast::<PyString>()?);
        let (name, value) = (latin1_bytes(&name)?, latin1_bytes(&value)?);
        head.push(&name, &value)
            .map_err(|error| refuse(error, &field))?;
    }
    Ok(head)
}

/// Returns a piece of a body.
///
/// # Errors
///
/// `TypeError`: it is no bytes object.
pub fn payload_of(data: &Bound<'_, PyAny>) -> PyResult<Payload> {
    let Ok(bytes) = data.cast::<PyBytes>() else {
        let kind = data.get_type();
        return Err(PyTypeError::new_err(format!(
            "A response's body consists of bytes, not of {}.",
            kind.name()?
        )));
    };
    if bytes.as_bytes().len() <= COPIED_BYTES {
        return Ok(Payload::Bytes(bytes.as_bytes().to_vec()));
    }
    Ok(Payload::Shared(Box::new(PyBackedBytes::from(
        bytes.clone(),
    ))))
}

/// Status and fields of an answer, checked once, for many answers that differ in their bodies only.
#[pyclass(frozen, module = "hipflask.server._native")]
pub struct Preset {
    pub(super) head: Arc<ResponseHead>,
}

#[pymethods]
impl Preset {
    #[new]
    fn new(status: &Bound<'_, PyString>, headers: &Bound<'_, PyList>) -> PyResult<Self> {
        let head = Arc::new(head_of(status, headers)?);
        Ok(Self { head })
    }
}

/// Returns text as a piece of a body, in UTF-8.
///
/// # Errors
///
/// `UnicodeEncodeError`: it has surrogates.
pub fn payload_of_text(text: &Bound<'_, PyString>) -> PyResult<Payload> {
    let bytes = text.to_str()?.as_bytes();
    if bytes.len() <= COPIED_BYTES {
        return Ok(Payload::Bytes(bytes.to_vec()));
    }
    Ok(Payload::Shared(Box::new(PyBackedStr::try_from(
        text.clone(),
    )?)))
}
