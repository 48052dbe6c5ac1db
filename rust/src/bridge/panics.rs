//! Panics on purpose, to be shown what comes of them. Only in builds with the feature `panics`: no release has it.

use std::sync::atomic::Ordering;

use pyo3::prelude::*;

use crate::server::IS_PANIC_DUE;

/// Panics in the caller's thread.
#[pyfunction]
#[allow(clippy::panic)]
pub fn panic_here() {
    panic!("on purpose");
}

/// Has an I/O thread panic when it is woken next.
#[pyfunction]
pub fn panic_in_io() {
    IS_PANIC_DUE.store(true, Ordering::Release);
}
