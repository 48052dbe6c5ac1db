//! The way into the queue: requests whose body still arrives need a place, and wait for it outside.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::{Core, Work, lock};
use crate::places::Places;
use crate::request::Request;

struct Entry {
    since: Instant,
    work: Work,
}

/// Requests that wait for a place.
pub struct Held {
    pub places: Arc<Places>,
    entries: Mutex<VecDeque<Entry>>,
    size: AtomicUsize,
    limit: usize,
}

impl Held {
    /// Makes an empty one.
    pub fn new(places: Arc<Places>, limit: usize) -> Self {
        Self {
            places,
            entries: Mutex::default(),
            size: AtomicUsize::new(0),
            limit,
        }
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.size.load(Ordering::Acquire) == 0
    }

    /// Gives a request a place, or keeps it until there is one. What comes back can be filed, or refused if the
    /// flag says so.
    fn admit(&self, work: Work, now: Instant) -> Option<(Work, bool)> {
        let mut entries = lock(&self.entries);
        if entries.is_empty()
            && let Some(place) = self.places.take()
        {
            drop(entries);
            work.request().keep_place(place);
            return Some((work, true));
        }
        if entries.len() >= self.limit {
            return Some((work, false));
        }
        entries.push_back(Entry { since: now, work });
        self.size.store(entries.len(), Ordering::Release);
        None
    }

    /// Takes one out that has a place now, needs none any more, or has waited since `oldest`; the flag tells that
    /// it is not late.
    fn next(&self, oldest: Option<Instant>) -> Option<(Work, bool)> {
        let mut entries = lock(&self.entries);
        let front = entries.front()?;
        let is_late = oldest.is_some_and(|oldest| front.since < oldest);
        let at = if is_late {
            0
        } else if front.work.request().is_streamed()
            && let Some(place) = self.places.take()
        {
            front.work.request().keep_place(place);
            0
        } else {
            let is_whole = |entry: &Entry| !entry.work.request().is_streamed();
            entries.iter().position(is_whole)?
        };
        let work = entries.remove(at)?.work;
        self.size.store(entries.len(), Ordering::Release);
        Some((work, !is_late))
    }

    /// Forgets all: they keep the server alive.
    pub fn clear(&self) {
        let entries = std::mem::take(&mut *lock(&self.entries));
        self.size.store(0, Ordering::Release);
        drop(entries);
    }
}

impl Core {
    /// Files new requests; those that there is no room for are left.
    pub fn file_all(&self, requests: &mut Vec<Arc<Request>>, now: Instant) {
        if !requests.iter().any(|request| request.is_streamed()) {
            let _ = self.queue.file(requests, now); // the I/O thread itself, which looks after what waits
            return;
        }
        let all = std::mem::take(requests);
        requests.extend(all.into_iter().filter_map(|request| {
            let left = self.file(Work::New(request), now)?;
            Some(left.into_request())
        }));
    }

    /// Files one; it comes back if there is no room for it.
    pub(super) fn file(&self, work: Work, now: Instant) -> Option<Work> {
        if !work.request().is_streamed() {
            return self.enqueue(work, now);
        }
        match self.held.admit(work, now) {
            Some((work, true)) => self.enqueue(work, now),
            Some((work, false)) => Some(work),
            None => {
                if !self.held.places.is_full() {
                    self.replies.wake(); // one was freed meanwhile, and nobody may have looked since
                }
                None
            }
        }
    }

    /// Files those that have waited for a place; returns the ones that waited too long, or find no room.
    pub fn file_held(&self, oldest: Option<Instant>, now: Instant) -> Vec<Arc<Request>> {
        let mut refused = Vec::new();
        while let Some((work, has_place)) = self.held.next(oldest) {
            let left = if has_place {
                self.enqueue(work, now)
            } else {
                Some(work)
            };
            refused.extend(left.map(Work::into_request));
        }
        refused
    }

    /// Files what the event loop has sorted; returns those that there is no room for.
    pub(super) fn file_sorted(&self, works: Vec<Work>, now: Instant) -> Vec<Work> {
        if works.iter().any(|work| work.request().is_streamed()) {
            let left = works.into_iter().filter_map(|work| self.file(work, now));
            return left.collect();
        }
        self.enqueue_all(works, now)
    }

    fn enqueue(&self, work: Work, now: Instant) -> Option<Work> {
        self.enqueue_all(vec![work], now).pop()
    }

    fn enqueue_all(&self, mut batch: Vec<Work>, now: Instant) -> Vec<Work> {
        let is_attended = self.queue.file(&mut batch, now);
        if !is_attended {
            self.tell();
        }
        batch
    }
}
