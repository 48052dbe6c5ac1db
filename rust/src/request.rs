//! A request on its way to Python, and what both sides know of it while it lasts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use hipflask_http1::RequestHead;

use crate::body::Incoming;
use crate::listener::Address;
use crate::places::Place;

/// Which connection a request came on; the generation tells it from a later one in the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    pub token: usize,
    pub generation: u32,
}

/// One request: its head as it came, and where its answer goes.
#[derive(Debug)]
pub struct Request {
    pub ticket: Ticket,
    /// The bytes that the head's spans are of.
    pub bytes: Vec<u8>,
    pub head: RequestHead,
    pub peer: Option<SocketAddr>,
    pub local: Arc<Address>,
    /// The body, unless it is known to be empty.
    pub body: Option<Arc<Incoming>>,
    pub arrived: Instant,
    pub arrived_at: SystemTime,
    is_gone: AtomicBool,
    is_cut: AtomicBool,
    watcher: AtomicU64,
}

impl Request {
    /// Puts a request together.
    pub fn new(
        ticket: Ticket,
        bytes: &[u8],
        head: RequestHead,
        peer: Option<SocketAddr>,
        local: Arc<Address>,
        body: Option<Arc<Incoming>>,
        now: Instant,
    ) -> Self {
        Self {
            ticket,
            bytes: bytes.to_vec(),
            head,
            peer,
            local,
            body,
            arrived: now,
            arrived_at: SystemTime::now(),
            is_gone: AtomicBool::new(false),
            is_cut: AtomicBool::new(false),
            watcher: AtomicU64::new(0),
        }
    }

    /// Whether its body is still being received, so that a reader may have to wait.
    pub fn is_streamed(&self) -> bool {
        self.body.as_ref().is_some_and(|body| !body.is_ended())
    }

    /// Has it keep a place while its body arrives.
    pub fn keep_place(&self, place: Place) {
        if let Some(body) = &self.body {
            body.keep_place(place);
        }
    }

    /// Whether the client is known to have gone.
    pub fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Acquire)
    }

    /// Notes that the client has gone; returns the key of who wants to know, 0 if nobody does.
    pub fn lose(&self) -> u64 {
        self.is_gone.store(true, Ordering::Release);
        self.watcher.swap(0, Ordering::AcqRel)
    }

    /// Notes that nothing can be sent to the client any more.
    pub fn cut(&self) {
        self.is_cut.store(true, Ordering::Release);
    }

    /// Whether an answer would reach nobody. A client that has only stopped sending still takes it.
    pub fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Acquire)
    }

    /// Has the going of the client told under a key; 0 ends that. False if it has gone already.
    pub fn watch(&self, key: u64) -> bool {
        self.watcher.store(key, Ordering::Release);
        !self.is_gone()
    }
}
