//! The other side of the I/O thread: whoever takes requests. There is one, behind which Python is.

use std::sync::Arc;
use std::time::Instant;

use crate::places::Places;
use crate::request::Request;
use hipflask_handover::Load;

/// Takes requests from the I/O thread. No method may block, or wait for the interpreter.
pub trait Door: Send + Sync {
    /// Takes new requests, all with one wake; those that it has no room for are left.
    fn take(&self, requests: &mut Vec<Arc<Request>>, now: Instant);

    /// Tells that what waits under these keys can go on.
    fn resume(&self, keys: &mut Vec<u64>);

    /// Looks after the queue: returns the requests that have waited for too long.
    fn watch(&self, now: Instant, load: Option<Load>) -> Vec<Arc<Request>>;

    /// The places of requests whose body is read as it comes.
    fn places(&self) -> Arc<Places>;

    /// Whether requests wait for a thread.
    fn is_waiting(&self) -> bool;

    /// Whether answers may be held back that nobody tells of, should the next view keep its thread.
    fn is_holding(&self) -> bool;

    /// Tells that the journal has something to report.
    fn report(&self);

    /// Tells that the I/O thread has ended, by an error if there is a text.
    fn end(&self, error: Option<String>);
}
