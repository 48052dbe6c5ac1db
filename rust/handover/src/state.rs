//! What the queue knows of its workers, and whom it picks. Everything here is done while the queue is locked.

use std::collections::VecDeque;
use std::time::Instant;

#[cfg(loom)]
use loom::thread::Thread;
#[cfg(not(loom))]
use std::thread::Thread;

use crate::{COMING, Load, QUICK, QUICK_BUSY};

#[derive(Debug)]
pub struct Worker {
    pub mail: VecDeque<u64>,
    pub thread: Thread,
    pub is_idle: bool,
    pub is_searching: bool,
    pub is_gone: bool,
    /// When it began the last thing, or earlier: the queue's clock is that of filing and looking.
    pub began: Option<Instant>,
    /// It has half-done things of its own, which would wait for whatever else it begins.
    pub is_host: bool,
    /// The last thing was one of its own: something new is next.
    pub has_gone_on: bool,
}

#[derive(Debug)]
pub struct Entry<T> {
    pub since: Instant,
    pub item: T,
}

#[derive(Debug)]
pub struct State<T> {
    pub entries: VecDeque<Entry<T>>,
    pub workers: Vec<Worker>,
    /// Idle workers; the one that worked last is at the end and taken first: its caches are warm.
    pub idle: Vec<usize>,
    pub searching: usize,
    /// The time of the last filing or look.
    pub clock: Option<Instant>,
    /// What it was like at the last look.
    pub load: Load,
    /// Wakes left that are not spared.
    pub haste: u32,
    pub taken: u64,
    pub taken_at_last_look: u64,
    /// When the queue was last seen to move.
    pub moved: Option<Instant>,
    pub is_closed: bool,
    /// Workers that are not gone.
    pub alive: usize,
    /// Workers at once without half-done things; more only where the queue is stuck.
    pub threads: usize,
    /// Workers at most; 0 if none is ever added for the queue's sake.
    pub most: usize,
    /// When a worker was asked for that has not come yet.
    pub asked: Option<Instant>,
    /// Nobody has been told of that yet.
    pub has_wish: bool,
}

impl<T> State<T> {
    /// Picks the worker to be woken, if one is needed and there is one.
    pub fn pick(&mut self, may_spare: bool) -> Option<Thread> {
        if self.searching > 0 || self.entries.is_empty() || self.idle.is_empty() {
            return None;
        }
        if may_spare && self.has_quick() {
            self.haste = self.haste.checked_sub(1)?;
        }
        self.pick_now()
    }

    /// Picks the worker to be woken, whoever else may be back soon.
    pub fn pick_now(&mut self) -> Option<Thread> {
        if self.searching > 0 || self.entries.is_empty() {
            return None;
        }
        let at = match self.last_free() {
            Some(at) => at,
            None if self.may_grow() => {
                self.ask();
                return None;
            }
            None => self.idle.len().checked_sub(1)?,
        };
        let at = self.idle.remove(at);
        let worker = self.workers.get_mut(at)?;
        worker.is_idle = false;
        worker.is_searching = true;
        self.searching = 1;
        Some(worker.thread.clone())
    }

    /// Whether some worker is taken to be back soon, and to take what is new then.
    pub fn has_quick(&self) -> bool {
        let quick = match self.load {
            Load::Busy => QUICK_BUSY,
            _ => QUICK,
        };
        let Some(clock) = self.clock else {
            return false;
        };
        self.workers.iter().any(|one| {
            let is_fresh = |began| clock.saturating_duration_since(began) < quick;
            !(one.is_idle || one.is_gone || one.is_host) && one.began.is_some_and(is_fresh)
        })
    }

    /// Returns where in `idle` the last one is that has nothing half-done.
    pub fn last_free(&self) -> Option<usize> {
        let is_free = |at: &usize| self.workers.get(*at).is_some_and(|one| !one.is_host);
        self.idle.iter().rposition(is_free)
    }

    /// Whether there may be another worker soon.
    pub fn may_grow(&self) -> bool {
        self.alive < self.most
            && self.asked.is_none_or(|asked| {
                let clock = self.clock.unwrap_or(asked);
                clock.saturating_duration_since(asked) < COMING
            })
    }

    /// Asks for a worker where hosts only could take what waits, unless another worker will be back soon.
    ///
    /// Hosts do not count, so that streams cost no other request a thread; nor do quick views start any.
    pub fn ask(&mut self) {
        let others = self.workers.iter().filter(|o| !(o.is_gone || o.is_host));
        if self.asked.is_none()
            && self.may_grow()
            && others.count() < self.threads
            && self.searching == 0
            && self.last_free().is_none()
            && !self.has_quick()
        {
            self.asked = self.clock;
            self.has_wish = true;
        }
    }

    /// Whether a worker leaves what is new to another, who has nothing else to do or may be started.
    pub fn leaves_it(&self, at: usize) -> bool {
        self.workers.get(at).is_some_and(|one| one.is_host)
            && (self.searching > 0 || self.last_free().is_some() || self.may_grow())
    }

    /// Takes what a worker has of its own and is to do next.
    pub fn take_own(&mut self, at: usize) -> Option<u64> {
        let is_new_next = !self.entries.is_empty() && !self.leaves_it(at);
        let worker = self.workers.get_mut(at)?;
        if is_new_next && std::mem::take(&mut worker.has_gone_on) {
            return None;
        }
        let key = worker.mail.pop_front()?;
        worker.has_gone_on = true;
        Some(key)
    }

    /// Notes that a worker that was woken has looked.
    pub fn end_search(&mut self, at: usize) {
        if let Some(worker) = self.workers.get_mut(at)
            && std::mem::take(&mut worker.is_searching)
        {
            self.searching = self.searching.saturating_sub(1);
        }
    }

    /// Makes a worker one that is not idle; its thread if it was.
    pub fn rouse(&mut self, at: usize) -> Option<Thread> {
        let worker = self.workers.get_mut(at)?;
        let was_idle = std::mem::take(&mut worker.is_idle);
        let thread = worker.thread.clone();
        self.idle.retain(|other| *other != at);
        was_idle.then_some(thread)
    }
}
