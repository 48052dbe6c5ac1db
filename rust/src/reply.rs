//! What Python's threads tell the I/O thread: one list, and one notification while it is not empty.
//!
//! A worker that finds another request waiting does not notify: on one core, the I/O thread would take its place
//! for each answer. It does when nothing waits, or when [`MOST_HELD`] answers do; should its view keep it, then
//! the I/O thread looks by itself, as it does while the queue is not empty, or the event loop has more to begin.

use std::cell::Cell;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hipflask_http1::{Refusal, ResponseHead};
use mio::Waker;

use crate::request::{Request, Ticket};

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

/// A part of a file, which is open for as long as it is needed.
pub struct FilePart {
    pub file: File,
    pub offset: u64,
    pub size: u64,
}

/// What is to be done for a request.
pub enum Action {
    /// Send an answer of which everything is known.
    Answer(ResponseHead, Payload),
    /// The same, with a head that many answers share.
    AnswerAlike(Arc<ResponseHead>, Payload),
    /// Send an answer whose body is a part of a file.
    AnswerFile(ResponseHead, FilePart),
    /// Begin one; what follows is asked for under the key.
    Begin(ResponseHead, u64),
    /// Send a piece of the body.
    Part(Payload),
    /// Send a part of a file as a piece of the body.
    File(FilePart),
    /// The answer is complete.
    End,
    /// Break the answer off.
    Abort,
    /// Send an answer of the server's own, and close.
    Refuse(Refusal),
    /// Receive more of this request's body.
    Receive(Arc<Request>),
}

/// One entry of the list.
pub struct Reply {
    pub ticket: Ticket,
    pub action: Action,
}

/// Answers that are held back at most.
const MOST_HELD: usize = 64;

thread_local! {
    /// The thread looks for work after each answer, and calls `flush` if it finds none.
    static FLUSHES: Cell<bool> = const { Cell::new(false) };
}

/// Says whether the calling thread calls [`Replies::flush`] before it waits.
pub fn promise_flush(is_promised: bool) {
    FLUSHES.set(is_promised);
}

#[derive(Default)]
struct List {
    replies: Vec<Reply>,
    is_told: bool,
}

/// The list.
pub struct Replies {
    list: Mutex<List>,
    waker: Waker,
}

impl Replies {
    /// Makes an empty list.
    pub const fn new(waker: Waker) -> Self {
        Self {
            list: Mutex::new(List {
                replies: Vec::new(),
                is_told: false,
            }),
            waker,
        }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends something; wakes the I/O thread unless it was told, or this may wait for `flush`.
    pub fn push(&self, ticket: Ticket, action: Action) {
        let may_wait = matches!(
            action,
            Action::Answer(..) | Action::AnswerAlike(..) | Action::AnswerFile(..)
        ) && FLUSHES.get();
        self.append(Reply { ticket, action }, may_wait);
    }

    /// Appends an answer for which `flush` will be called.
    pub fn hold(&self, ticket: Ticket, action: Action) {
        self.append(Reply { ticket, action }, true);
    }

    fn append(&self, reply: Reply, may_wait: bool) {
        let mut list = self.lock();
        list.replies.push(reply);
        let is_due = !may_wait || list.replies.len() >= MOST_HELD;
        let is_news = is_due && !list.is_told;
        list.is_told |= is_due;
        drop(list);
        if is_news {
            self.wake();
        }
    }

    /// Wakes the I/O thread if there is something that it was not told of.
    pub fn flush(&self) {
        let mut list = self.lock();
        let is_news = !list.is_told && !list.replies.is_empty();
        list.is_told |= is_news;
        drop(list);
        if is_news {
            self.wake();
        }
    }

    /// Whether there is nothing in the list.
    pub fn is_empty(&self) -> bool {
        self.lock().replies.is_empty()
    }

    /// Exchanges the list for an empty one.
    pub fn swap(&self, empty: &mut Vec<Reply>) {
        let mut list = self.lock();
        std::mem::swap(&mut list.replies, empty);
        list.is_told = false;
    }

    /// Has the I/O thread look around.
    pub fn wake(&self) {
        let _ = self.waker.wake(); // fails only when the thread is gone
    }
}
