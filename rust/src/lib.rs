//! `hipflask.server._native`: what the native server registers with Python, and nothing else.
//!
//! Import it lazily: the package is complete without it (the pure-Python server takes over).

use pyo3::prelude::*;

/// The native part of hipflask's server.
#[pymodule]
mod _native {
    use pyo3::prelude::*;

    /// Adds the version that this module was built from, so that a stale build can be told.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("HIPFLASK_VERSION"))
    }
}
