//! The border to Python: the only files that know it, beside `config.rs` (settings) and `lib.rs` (the module).
//! What crosses it, and what both sides share.

mod answer;
mod body;
mod environ;
mod filing;
mod head;
#[cfg(feature = "panics")]
mod panics;
mod server;
mod snapshot;
mod text;

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pyo3::Py;

use crate::config::Settings;
use crate::door::Door;
use crate::journal::Journal;
use crate::places::Places;
use crate::reply::Replies;
use crate::request::Request;
use crate::server::{STUCK, Stop, oldest};
use hipflask_handover::{Load, Queue};

use filing::Held;

pub use answer::Preset;
pub use body::Body;
pub use head::Head;
#[cfg(feature = "panics")]
pub use panics::{panic_here, panic_in_io};
pub use server::Server;
pub use snapshot::Snapshot;

/// The worker number that stands for the event loop in keys.
const LOOP: u64 = 0xffff_ffff;

/// What waits for a worker.
enum Work {
    New(Arc<Request>),
    /// The event loop has looked at it already.
    Sorted(Py<Head>, Arc<Request>),
}

impl Work {
    const fn request(&self) -> &Arc<Request> {
        match self {
            Self::New(request) | Self::Sorted(_, request) => request,
        }
    }

    /// Returns the head of what the event loop has sorted.
    fn into_head(self) -> Option<Py<Head>> {
        match self {
            Self::Sorted(head, _) => Some(head),
            Self::New(_) => None,
        }
    }

    fn into_request(self) -> Arc<Request> {
        match self {
            Self::New(request) | Self::Sorted(_, request) => request,
        }
    }
}

impl From<Arc<Request>> for Work {
    fn from(request: Arc<Request>) -> Self {
        Self::New(request)
    }
}

/// Wakes a thread of Python that waits for a descriptor.
struct Bell {
    inner: UnixStream,
    outer: UnixStream,
    is_rung: AtomicBool,
}

impl Bell {
    fn new() -> io::Result<Self> {
        let (inner, outer) = UnixStream::pair()?;
        inner.set_nonblocking(true)?;
        outer.set_nonblocking(true)?;
        Ok(Self {
            inner,
            outer,
            is_rung: AtomicBool::new(false),
        })
    }

    fn ring(&self) {
        if !self.is_rung.swap(true, Ordering::AcqRel) {
            let _ = (&self.inner).write(b"!"); // a full pipe has been rung before
        }
    }

    /// Makes it silent; what was told before must be looked at afterwards.
    fn hush(&self) {
        let mut buffer = [0; 8];
        while matches!((&self.outer).read(&mut buffer), Ok(1..)) {}
        self.is_rung.store(false, Ordering::Release);
    }

    fn descriptor(&self) -> RawFd {
        self.outer.as_raw_fd()
    }
}

/// What the event loop is to look at.
#[derive(Default)]
struct Inbox {
    requests: Vec<Arc<Request>>,
    keys: Vec<u64>,
    /// The event loop has not done all that it was given: it may hold answers back.
    is_busy: bool,
}

/// What the keeper (the thread that has started the server) is to do.
#[derive(Default)]
struct Tasks {
    wants_worker: bool,
    is_ended: bool,
    error: Option<String>,
}

/// Shared by everything on this side of the border and the I/O thread.
pub struct Core {
    settings: Arc<Settings>,
    replies: Arc<Replies>,
    journal: Arc<Journal>,
    stop: Arc<Stop>,
    queue: Queue<Work>,
    held: Held,
    inbox: Mutex<Inbox>,
    loop_bell: Bell,
    tasks: Mutex<Tasks>,
    keeper_bell: Bell,
    /// New requests go to the event loop, which sorts them.
    is_sorted: bool,
    /// The I/O thread was told to look after what the event loop has filed.
    is_told: AtomicBool,
    /// The host that was approved last, nearly always the next one too.
    approved_host: Mutex<Vec<u8>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    /// Has the keeper start a worker if the queue asks for one.
    fn grow(&self) {
        if self.queue.wants_worker() {
            lock(&self.tasks).wants_worker = true;
            self.keeper_bell.ring();
        }
    }

    /// Has the I/O thread look how long this waits that the event loop has filed, as it does for what it files itself.
    fn tell(&self) {
        if self.is_sorted && !self.is_told.swap(true, Ordering::AcqRel) {
            self.replies.wake();
        }
    }
}

impl Door for Core {
    fn take(&self, requests: &mut Vec<Arc<Request>>, now: Instant) {
        if self.is_sorted {
            let mut inbox = lock(&self.inbox);
            inbox.requests.append(requests);
            inbox.is_busy = true;
            drop(inbox);
            self.loop_bell.ring();
        } else {
            self.file_all(requests, now);
        }
    }

    fn resume(&self, keys: &mut Vec<u64>) {
        for key in keys.drain(..) {
            let worker = key >> 32;
            if worker == LOOP {
                lock(&self.inbox).keys.push(key);
                self.loop_bell.ring();
            } else if let Ok(worker) = usize::try_from(worker) {
                self.queue.mail(worker, key);
            }
        }
    }

    fn watch(&self, now: Instant, load: Option<Load>) -> Vec<Arc<Request>> {
        if self.is_sorted && self.queue.is_empty() {
            // Exchanged, not stored: whoever files something and finds itself told has it seen by the poll's patience.
            self.is_told.swap(false, Ordering::AcqRel);
        }
        if let Some(load) = load {
            self.queue.look(now, STUCK, load); // asks for a worker if the queue is stuck
        }
        self.grow();
        let oldest = oldest(now, &self.settings);
        let mut late: Vec<_> = oldest.map_or_else(Vec::new, |oldest| {
            let late = self.queue.expire(oldest).into_iter();
            late.map(Work::into_request).collect()
        });
        if !self.held.is_empty() {
            late.append(&mut self.file_held(oldest, now));
        }
        late
    }

    fn places(&self) -> Arc<Places> {
        Arc::clone(&self.held.places)
    }

    fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    fn is_holding(&self) -> bool {
        self.is_sorted && lock(&self.inbox).is_busy
    }

    fn report(&self) {
        self.keeper_bell.ring();
    }

    fn end(&self, error: Option<String>) {
        let mut tasks = lock(&self.tasks);
        tasks.is_ended = true;
        tasks.error = error;
        drop(tasks);
        self.keeper_bell.ring();
        self.held.clear();
    }
}
