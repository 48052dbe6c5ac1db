//! A request's body between the thread that receives it and the one that reads it.
//!
//! The receiver stops at `HIGH_BYTES`, or at what is collected if that is more; the reader tells it when there is room again. Neither side holds
//! the lock for longer than it takes to move a piece.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use hipflask_http1::ErrorKind;

use crate::places::Place;

/// Bytes that are received ahead of the reader.
const HIGH_BYTES: usize = 64 * 1024;
const LOW_BYTES: usize = 16 * 1024;

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// All of it was received.
    Whole,
    /// It is malformed, too long or was cut short.
    Refused(ErrorKind),
    /// The client has gone.
    Gone,
    /// The client is too slow.
    TooSlow,
}

/// What a reader gets.
#[derive(Debug)]
pub enum Taken {
    /// Some bytes, never none.
    Data(Vec<u8>),
    /// Nothing more, and why.
    Ended(End),
    /// Nothing yet.
    Pending,
}

#[derive(Debug, Default)]
struct State {
    pieces: VecDeque<Vec<u8>>,
    size: usize,
    end: Option<End>,
    is_wanted: bool,
    is_full: bool,
    waiting: u32,
    watcher: u64,
    place: Option<Place>,
}

/// The body of one request.
#[derive(Debug)]
pub struct Incoming {
    high: usize,
    state: Mutex<State>,
    changed: Condvar,
}

impl Incoming {
    /// Makes one of which nothing has come.
    pub fn new(collected: usize) -> Self {
        Self {
            high: collected.max(HIGH_BYTES),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while it was held left whole pieces behind: there is no step that can fail half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends what was received; who waits for it learns that by `tell`, once for all that came together.
    pub fn feed(&self, data: &[u8]) {
        let mut state = self.lock();
        state.size = state.size.saturating_add(data.len());
        match state.pieces.back_mut() {
            // Small chunks go together, so that a body of one-byte chunks costs no piece for each.
            Some(last) if last.len().saturating_add(data.len()) <= 4096 => {
                last.extend_from_slice(data);
            }
            _ => state.pieces.push_back(data.to_vec()),
        }
        state.is_full = state.size >= self.high;
        state.is_wanted = false;
    }

    /// Wakes who waits for what was fed. Returns the key of one that waits elsewhere, 0 if nobody does.
    pub fn tell(&self) -> u64 {
        self.wake(self.lock())
    }

    /// Notes the end, and tells it; the first one counts. Returns as `tell` does.
    pub fn finish(&self, end: End) -> u64 {
        let mut state = self.lock();
        if state.end.is_none() {
            state.end = Some(end);
        }
        state.place = None;
        self.wake(state)
    }

    /// Has it keep a place until all of it has come; one that is whole needs none.
    pub fn keep_place(&self, place: Place) {
        let mut state = self.lock();
        if state.end.is_none() {
            state.place = Some(place);
        }
    }

    /// Whether nothing more will come.
    pub fn is_ended(&self) -> bool {
        self.lock().end.is_some()
    }

    /// Returns how many bytes have come and were not taken.
    pub fn size(&self) -> usize {
        self.lock().size
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) -> u64 {
        state.is_wanted = false;
        let watcher = std::mem::take(&mut state.watcher);
        let is_awaited = state.waiting > 0;
        drop(state);
        if is_awaited {
            self.changed.notify_all();
        }
        watcher
    }

    /// Whether the receiver has to wait for the reader.
    pub fn is_full(&self) -> bool {
        self.lock().is_full
    }

    /// Takes the next piece without waiting; true if the receiver has to be told that there is room again.
    pub fn take(&self) -> (Taken, bool) {
        let mut state = self.lock();
        let Some(piece) = state.pieces.pop_front() else {
            return match state.end {
                Some(end) => (Taken::Ended(end), false),
                None => (Taken::Pending, false),
            };
        };
        state.size = state.size.saturating_sub(piece.len());
        let has_room = state.is_full && state.size <= LOW_BYTES;
        state.is_full &= !has_room;
        (Taken::Data(piece), has_room && state.end.is_none())
    }

    /// Says that somebody waits for the next piece; true if the receiver has to be told.
    pub fn want(&self, watcher: u64) -> bool {
        let mut state = self.lock();
        let is_news = !state.is_wanted && state.pieces.is_empty() && state.end.is_none();
        state.is_wanted |= is_news;
        state.watcher = watcher;
        is_news
    }

    /// Whether something can be taken now.
    pub fn is_ready(&self) -> bool {
        let state = self.lock();
        !state.pieces.is_empty() || state.end.is_some()
    }

    /// Waits until something can be taken. Not to be called by a thread that others wait for.
    pub fn wait(&self) {
        let mut state = self.lock();
        state.waiting = state.waiting.saturating_add(1);
        while state.pieces.is_empty() && state.end.is_none() {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting = state.waiting.saturating_sub(1);
    }
}
