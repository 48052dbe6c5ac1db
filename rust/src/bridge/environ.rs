//! The WSGI environ of a request, made only when somebody asks for it.
//!
//! Source: PEP 3333; `REQUEST_URI` and `RAW_URI` as Flask's development server sets them.

use std::sync::Arc;

use hipflask_http1::Framing;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

use super::head::{Head, host_of};
use super::text::{latin1, unquote};
use crate::request::Request;

/// `werkzeug.socket` of every environ: says why there is none.
static NO_SOCKET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// `hipflask.is_disconnected` of an environ.
#[pyclass(frozen)]
struct Ask(Arc<Request>);

#[pymethods]
impl Ask {
    fn __call__(&self) -> bool {
        self.0.is_gone()
    }
}

impl Head {
    fn fill_server(&self, environ: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = environ.py();
        let address = &self.request.local;
        environ.set_item(intern!(py, "SERVER_SOFTWARE"), intern!(py, "hipflask"))?;
        environ.set_item(
            intern!(py, "SERVER_PROTOCOL"),
            match self.request.head.minor_version {
                0 => intern!(py, "HTTP/1.0"),
                _ => intern!(py, "HTTP/1.1"),
            },
        )?;
        environ.set_item(intern!(py, "SERVER_NAME"), &address.host)?;
        environ.set_item(
            intern!(py, "SERVER_PORT"),
            address.port.unwrap_or(0).to_string(),
        )?;
        let (host, port) = self.client();
        environ.set_item(intern!(py, "REMOTE_ADDR"), host)?;
        environ.set_item(intern!(py, "REMOTE_PORT"), port.to_string()) // text, as PEP 3333 asks
    }

    /// What was there before the proxies were believed, as `ProxyFix` keeps it.
    fn fill_original(&self, environ: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = environ.py();
        let original = PyDict::new(py);
        for key in ["HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME"] {
            original.set_item(key, environ.get_item(key)?)?;
        }
        original.set_item("REMOTE_ADDR", host_of(self.request.peer))?;
        original.set_item("wsgi.url_scheme", "http")?;
        environ.set_item(intern!(py, "werkzeug.proxy_fix.orig"), original)
    }

    fn fill_target(&self, environ: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = environ.py();
        let head = &self.request.head;
        let bytes = &self.request.bytes;
        let target = latin1(py, head.target.of(bytes));
        environ.set_item(
            intern!(py, "REQUEST_METHOD"),
            latin1(py, head.method.of(bytes)),
        )?;
        environ.set_item(intern!(py, "SCRIPT_NAME"), "")?;
        environ.set_item(
            intern!(py, "PATH_INFO"),
            latin1(py, &unquote(self.raw_path())),
        )?;
        environ.set_item(intern!(py, "QUERY_STRING"), latin1(py, self.raw_query()))?;
        environ.set_item(intern!(py, "REQUEST_URI"), &target)?;
        environ.set_item(intern!(py, "RAW_URI"), &target)
    }

    fn fill_fields(&self, environ: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = environ.py();
        self.each_field(|name, value| {
            let mut key = String::with_capacity(name.len().saturating_add(5));
            if !name.eq_ignore_ascii_case(b"content-type")
                && !name.eq_ignore_ascii_case(b"content-length")
            {
                key.push_str("HTTP_");
            }
            key.extend(name.iter().map(|byte| match byte {
                b'-' => '_',
                byte => char::from(byte.to_ascii_uppercase()),
            }));
            let value = latin1(py, value);
            match environ.get_item(&key)? {
                None => environ.set_item(key, value),
                Some(first) => {
                    let joint = if key == "HTTP_COOKIE" { "; " } else { "," };
                    environ.set_item(key, format!("{first}{joint}{value}"))
                }
            }
        })
    }
}

/// Returns a new environ.
pub fn make_environ<'py>(slf: &Bound<'py, Head>) -> PyResult<Bound<'py, PyDict>> {
    let py = slf.py();
    let this = slf.get();
    let environ = PyDict::new(py);
    environ.set_item(intern!(py, "wsgi.version"), (1, 0))?;
    environ.set_item(intern!(py, "wsgi.url_scheme"), this.scheme(py))?;
    environ.set_item(intern!(py, "wsgi.input"), this.body(py)?)?;
    environ.set_item(intern!(py, "wsgi.errors"), this.errors(py)?)?;
    environ.set_item(
        intern!(py, "wsgi.multithread"),
        this.core.settings.most_threads() > 1,
    )?;
    environ.set_item(
        intern!(py, "wsgi.multiprocess"),
        this.core.settings.is_multiprocess,
    )?;
    environ.set_item(intern!(py, "wsgi.run_once"), false)?;
    // Not a method of the head: that would be a cycle in every environ.
    let ask = Py::new(py, Ask(Arc::clone(&this.request)))?;
    environ.set_item(intern!(py, "hipflask.is_disconnected"), ask)?;
    let no_socket = NO_SOCKET.import(py, "hipflask.server.native_socket", "NO_SOCKET")?;
    environ.set_item(intern!(py, "werkzeug.socket"), no_socket)?;
    this.fill_server(&environ)?;
    this.fill_target(&environ)?;
    this.fill_fields(&environ)?;
    if this.core.settings.trusted_proxies > 0 {
        this.fill_original(&environ)?;
    }
    if this.request.head.body == Framing::Chunked {
        environ.set_item(intern!(py, "wsgi.input_terminated"), true)?;
    }
    Ok(environ)
}
