//! Text as Python has it, of bytes as HTTP has them, and back.

use std::borrow::Cow;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

/// Returns text whose characters stand for the bytes.
pub fn latin1<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    match str::from_utf8(bytes) {
        Ok(text) if bytes.is_ascii() => PyString::new(py, text),
        _ => {
            let text: String = bytes.iter().copied().map(char::from).collect();
            PyString::new(py, &text)
        }
    }
}

/// Returns the bytes that the characters of a text stand for.
///
/// # Errors
///
/// `ValueError`: it has a character above U+00FF.
pub fn latin1_bytes<'a>(text: &'a Bound<'_, PyString>) -> PyResult<Cow<'a, [u8]>> {
    let refuse = || {
        let what = text
            .repr()
            .map_or_else(|_| String::new(), |repr| repr.to_string());
        PyValueError::new_err(format!(
            "The response's header has {what}, which is no latin-1 text. Encode it first."
        ))
    };
    let text = text.to_str().map_err(|_| refuse())?;
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let bytes = text
        .chars()
        .map(|character| u8::try_from(u32::from(character)));
    let bytes: Result<Vec<u8>, _> = bytes.collect();
    bytes.map(Cow::Owned).map_err(|_| refuse())
}

/// Returns the bytes that percent-encoding stands for; what is no encoding stays (as `unquote_to_bytes`).
pub fn unquote(quoted: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(quoted.len());
    let mut rest = quoted;
    while let Some((&first, tail)) = rest.split_first() {
        let digits = tail.first().zip(tail.get(1));
        let value = digits.and_then(|(high, low)| Some(hex(*high)? << 4 | hex(*low)?));
        match value {
            Some(value) if first == b'%' => {
                bytes.push(value);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    bytes
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Returns decoded text; bytes that are no UTF-8 become U+FFFD, as Python has it.
pub fn utf8<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    PyString::new(py, &String::from_utf8_lossy(bytes))
}

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE",
];

/// Returns a method's name; the usual ones are not made anew.
pub fn method<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    static NAMES: PyOnceLock<Vec<Py<PyString>>> = PyOnceLock::new();
    let names = NAMES.get_or_init(py, || {
        METHODS
            .iter()
            .map(|name| PyString::intern(py, name).unbind())
            .collect()
    });
    let found = METHODS.iter().position(|name| name.as_bytes() == bytes);
    match found.and_then(|at| names.get(at)) {
        Some(name) => name.bind(py).clone(),
        None => latin1(py, &bytes.to_ascii_uppercase()),
    }
}
