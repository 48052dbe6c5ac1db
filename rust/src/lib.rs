//! `hipflask.server._native`: what the native server registers with Python, and nothing else.
//!
//! Import it lazily: the package is complete without it (the pure-Python server takes over). The way of a
//! request: `listener` -> `connection` (bytes, framed by `hipflask_http1`) -> `server` (the I/O thread's loop)
//! -> `door` -> `hipflask_handover` -> `bridge` (Python); its answer: `bridge` -> `reply` -> `answering` -> `output`.

mod answering;
mod body;
mod bridge;
mod clock;
mod collecting;
mod config;
mod connection;
mod door;
mod journal;
mod listener;
mod meter;
mod output;
mod places;
mod proxies;
mod reply;
mod request;
mod server;

use pyo3::prelude::*;

/// The native part of hipflask's server. It relies on the interpreter's lock: see the `unsafe` of `bridge/snapshot.rs`.
#[pymodule(gil_used = true)]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::bridge::{Body, Head, Preset, Server, Snapshot};
    #[cfg(feature = "panics")]
    #[pymodule_export]
    use crate::bridge::{panic_here, panic_in_io};

    /// Adds the version that this module was built from, so that a stale build can be told.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("HIPFLASK_VERSION"))
    }
}
