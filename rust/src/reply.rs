//! What Python's threads tell the I/O thread: one list, and one notification while it is not empty.

use std::fs::File;
use std::sync::{Mutex, PoisonError};

use hipflask_http1::{Refusal, ResponseHead};
use mio::Waker;

use crate::request::Ticket;

/// Bytes of an answer.
pub enum Payload {
    /// Copied: cheaper than anything else for a few.
    Bytes(Vec<u8>),
    /// Somebody else's, kept until they are sent.
    Shared(Box<dyn AsRef<[u8]> + Send>),
}

impl Payload {
    /// No bytes.
    pub const EMPTY: Self = Self::Bytes(Vec::new());

    /// Returns the bytes.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Shared(shared) => (**shared).as_ref(),
        }
    }
}

/// What is to be done for a request.
pub enum Action {
    /// Send an answer of which everything is known.
    Answer(ResponseHead, Payload),
    /// Begin one; what follows is asked for under the key.
    Begin(ResponseHead, u64),
    /// Send a piece of the body.
    Part(Payload),
    /// Send a part of a file as a piece of the body.
    File { file: File, offset: u64, size: u64 },
    /// The answer is complete.
    End,
    /// Break the answer off.
    Abort,
    /// Send an answer of the server's own, and close.
    Refuse(Refusal),
    /// Receive more of the request's body.
    Receive,
}

/// One entry of the list.
pub struct Reply {
    pub ticket: Ticket,
    pub action: Action,
}

/// The list.
pub struct Replies {
    list: Mutex<Vec<Reply>>,
    waker: Waker,
}

impl Replies {
    /// Makes an empty list.
    pub const fn new(waker: Waker) -> Self {
        Self {
            list: Mutex::new(Vec::new()),
            waker,
        }
    }

    /// Appends something; wakes the I/O thread if it has nothing in the list yet.
    pub fn push(&self, ticket: Ticket, action: Action) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = list.is_empty();
        list.push(Reply { ticket, action });
        drop(list);
        if is_first {
            self.wake();
        }
    }

    /// Exchanges the list for an empty one.
    pub fn swap(&self, empty: &mut Vec<Reply>) {
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *list, empty);
    }

    /// Has the I/O thread look around.
    pub fn wake(&self) {
        let _ = self.waker.wake(); // fails only when the thread is gone
    }
}
