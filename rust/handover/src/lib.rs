//! Where requests wait for a thread, and who is woken for them.
//!
//! At most one worker is *searching*: woken, and with nothing taken yet. A worker that began something less than
//! [`QUICK`] ago is *quick*: it is taken to be back soon, and as long as there is one, nobody else is woken, who
//! would only fight with it for the interpreter. Where nobody is, whoever files something wakes a worker, and so
//! does [`Queue::look`], which the I/O thread calls every millisecond while entries wait. A queue that it finds
//! standing still, or waiting beside an idle processor, has views that wait: for the next [`HASTE`] wakes, whoever
//! takes something and leaves more behind passes it on at once. So workers that are stuck keep nobody waiting, and
//! ones that are not wake nobody. While threads compute, they count as quick for longer.
//! A worker with half-done things (a *host*) leaves what is new to others, also to one that may yet be started, which
//! it asks for. What is its own and what is new take turns where it leaves nothing.
//! Taking is quick and done while attached to the interpreter; waiting is done detached.

#![cfg_attr(
    test,
    allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)] // a test may fail loudly

mod state;

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

#[cfg(loom)]
use loom::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    sync::{Mutex, MutexGuard},
    thread::{Thread, current},
};
#[cfg(not(loom))]
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    sync::{Mutex, MutexGuard},
    thread::{Thread, current},
};

use state::{Entry, State, Worker};

/// How long a worker that has begun something is taken to be back soon.
pub const QUICK: Duration = Duration::from_millis(1);
/// The same while threads compute: another would only slow them down.
const QUICK_BUSY: Duration = Duration::from_millis(5);
/// Wakes that are not spared after the queue has stood still.
const HASTE: u32 = 64;
/// How long a worker that was asked for is waited for; after that the pool counts as full until one comes or goes.
pub const COMING: Duration = Duration::from_millis(100);

/// What a worker is to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next<T> {
    /// Begin something.
    Begin(T),
    /// Go on with what the worker has under this key.
    GoOn(u64),
    /// Wait.
    Nothing,
    /// End: the queue is closed.
    Closed,
}

/// What the processor has been doing while entries waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Nobody has measured it for long enough.
    Unknown,
    /// The threads wait for something else more than they compute.
    Idle,
    /// The threads compute.
    Busy,
}

/// A queue and its workers.
#[derive(Debug)]
pub struct Queue<T> {
    state: Mutex<State<T>>,
    size: AtomicUsize,
    /// The state's, as of late.
    has_wish: AtomicBool,
    limit: usize,
    /// Somebody looks while entries wait, so that wakes may be spared.
    is_watched: bool,
}

#[cfg(not(loom))]
fn park(patience: Duration) {
    std::thread::park_timeout(patience);
}

/// A model has no clock: a wake that is lost is lost for ever, and found.
#[cfg(loom)]
fn park(_: Duration) {
    loom::thread::park();
}

fn wake(thread: Option<Thread>) {
    if let Some(thread) = thread {
        thread.unpark();
    }
}

impl<T> Queue<T> {
    /// Makes a queue for at most `limit` entries.
    ///
    /// # Arguments
    ///
    /// * `is_watched` - [`Queue::look`] is called every millisecond while entries wait. If not, no wake is spared.
    #[must_use]
    pub fn new(limit: usize, is_watched: bool) -> Self {
        Self {
            state: Mutex::new(State {
                entries: VecDeque::new(),
                workers: Vec::new(),
                idle: Vec::new(),
                searching: 0,
                clock: None,
                load: Load::Unknown,
                haste: 0,
                taken: 0,
                taken_at_last_look: 0,
                moved: None,
                is_closed: false,
                alive: 0,
                threads: 0,
                most: 0,
                asked: None,
                has_wish: false,
            }),
            size: AtomicUsize::new(0),
            has_wish: AtomicBool::new(false),
            limit,
            is_watched,
        }
    }

    /// Lets the queue ask for more workers, by [`Queue::wants_worker`].
    ///
    /// # Arguments
    ///
    /// * `threads` - Workers at once without half-done things, more only where the queue is stuck.
    /// * `most` - Workers at most.
    #[must_use]
    pub fn growing(self, threads: usize, most: usize) -> Self {
        let mut state = self.lock();
        state.threads = threads;
        state.most = most;
        drop(state);
        self
    }

    /// Whether a worker is to be started; asked again, it says so only if one more is.
    #[must_use]
    pub fn wants_worker(&self) -> bool {
        self.has_wish.load(Ordering::Acquire) && self.has_wish.swap(false, Ordering::AcqRel)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing under the lock can fail half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unlock(&self, mut state: MutexGuard<'_, State<T>>) {
        if std::mem::take(&mut state.has_wish) {
            self.has_wish.store(true, Ordering::Release);
        }
        // Whoever reads it sees what the worker did before it took something.
        self.size.store(state.entries.len(), Ordering::Release);
        drop(state);
    }

    /// Returns how many entries wait, as of late.
    #[must_use]
    pub fn len(&self) -> usize {
        self.size.load(Ordering::Acquire)
    }

    /// Adds the calling thread to the workers and returns its number.
    pub fn add_worker(&self) -> usize {
        let mut state = self.lock();
        state.alive = state.alive.saturating_add(1);
        let was_asked_for = state.asked.take().is_some(); // it takes something at once
        state.searching = state.searching.saturating_add(was_asked_for.into());
        let worker = Worker {
            mail: VecDeque::new(),
            thread: current(),
            is_idle: false,
            is_searching: was_asked_for,
            is_gone: false,
            began: None,
            is_host: false,
            has_gone_on: false,
        };
        if let Some(at) = state.workers.iter().position(|worker| worker.is_gone)
            && let Some(slot) = state.workers.get_mut(at)
        {
            *slot = worker;
            return at;
        }
        state.workers.push(worker);
        state.workers.len().saturating_sub(1)
    }

    /// Removes a worker, whose thread ends.
    pub fn remove_worker(&self, at: usize) {
        let mut state = self.lock();
        state.end_search(at);
        state.rouse(at);
        if let Some(worker) = state.workers.get_mut(at) {
            worker.is_gone = true;
        }
        state.alive = state.alive.saturating_sub(1);
        state.asked = None;
        let next = state.pick(self.is_watched);
        self.unlock(state);
        wake(next);
    }

    /// Whether no entry waits, as of late.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.lock().alive
    }

    /// Returns how many of them wait.
    #[must_use]
    pub fn idle_workers(&self) -> usize {
        self.lock().idle.len()
    }

    /// Files what fits, in order, and leaves the rest; one worker is woken for all of it, if one is needed.
    /// Returns whether all that waits is about to be taken.
    pub fn file<S: Into<T>>(&self, items: &mut Vec<S>, now: Instant) -> bool {
        let mut state = self.lock();
        state.clock = Some(now);
        let room = self.limit.saturating_sub(state.entries.len());
        let room = if state.is_closed {
            0
        } else {
            room.min(items.len())
        };
        let entries = items.drain(..room).map(|item| Entry {
            since: now,
            item: item.into(),
        });
        state.entries.extend(entries);
        let next = state.pick(self.is_watched);
        // Whoever takes one wakes the next, and all that are idle have begun something then.
        let takers = state.idle.len().saturating_add(state.searching);
        let is_attended = state.searching > 0 && state.entries.len() <= takers;
        self.unlock(state);
        wake(next);
        is_attended
    }

    /// Takes what a worker has to do next, without waiting.
    ///
    /// # Arguments
    ///
    /// * `at` - The worker.
    /// * `is_host` - It has half-done things of its own; it gets something new only if nobody else is free nor can be
    ///   started.
    pub fn take(&self, at: usize, is_host: bool) -> Next<T> {
        let mut state = self.lock();
        if let Some(worker) = state.workers.get_mut(at) {
            worker.is_host = is_host;
        }
        state.end_search(at);
        if let Some(key) = state.take_own(at) {
            let next = state.pick(self.is_watched);
            self.unlock(state);
            wake(next);
            return Next::GoOn(key);
        }
        if !state.entries.is_empty() && state.leaves_it(at) {
            let next = state.pick(self.is_watched);
            state.ask();
            self.unlock(state);
            wake(next);
            return Next::Nothing;
        }
        let Some(entry) = state.entries.pop_front() else {
            return if state.is_closed {
                Next::Closed
            } else {
                Next::Nothing
            };
        };
        state.taken = state.taken.wrapping_add(1);
        let clock = state.clock;
        if let Some(worker) = state.workers.get_mut(at) {
            worker.began = clock;
        }
        let next = state.pick(self.is_watched);
        self.unlock(state);
        wake(next);
        Next::Begin(entry.item)
    }

    /// Waits until there may be something to take; false if that took longer than `patience`.
    ///
    /// Called detached, by the worker itself.
    pub fn wait(&self, at: usize, patience: Duration) -> bool {
        let deadline = Instant::now().checked_add(patience);
        let mut state = self.lock();
        let has_mail = state.workers.get(at).is_none_or(|one| !one.mail.is_empty());
        let has_new = !state.entries.is_empty() && !state.leaves_it(at);
        if has_mail || has_new || state.is_closed {
            return true;
        }
        if let Some(worker) = state.workers.get_mut(at) {
            worker.is_idle = true;
        }
        state.idle.push(at);
        loop {
            drop(state);
            let now = Instant::now();
            let left =
                deadline.map_or(patience, |deadline| deadline.saturating_duration_since(now));
            if left.is_zero() {
                state = self.lock();
                return state.rouse(at).is_none();
            }
            park(left);
            state = self.lock();
            if state.workers.get(at).is_none_or(|one| !one.is_idle) {
                return true;
            }
        }
    }

    /// Has a worker go on with something of its own.
    pub fn mail(&self, at: usize, key: u64) {
        let mut state = self.lock();
        state.rouse(at);
        let worker = state.workers.get_mut(at);
        let thread = worker.map(|worker| {
            worker.mail.push_back(key);
            worker.thread.clone() // one that waits for this key only is not idle, but sleeps
        });
        drop(state);
        wake(thread);
    }

    /// Waits until a worker may go on with this very thing, and takes it. Called detached, by the worker.
    pub fn wait_for(&self, at: usize, key: u64) {
        loop {
            let mut state = self.lock();
            let Some(worker) = state.workers.get_mut(at) else {
                return;
            };
            if let Some(found) = worker.mail.iter().position(|mail| *mail == key) {
                worker.mail.remove(found);
                return;
            }
            drop(state);
            park(Duration::from_secs(1));
        }
    }

    /// Removes the entries that have waited since before `moment`.
    pub fn expire(&self, moment: Instant) -> Vec<T> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut state = self.lock();
        let late = state
            .entries
            .iter()
            .take_while(|entry| entry.since < moment)
            .count();
        let late = state
            .entries
            .drain(..late)
            .map(|entry| entry.item)
            .collect();
        self.unlock(state);
        late
    }

    /// Looks whether the queue stands still, and wakes a worker if one is idle and no other will be back soon, or
    /// the processor has nothing to do.
    ///
    /// Called again and again while entries wait, every [`QUICK`].
    /// Returns whether it is stuck: for `patience`, nobody has taken anything, nor is anybody about to.
    pub fn look(&self, now: Instant, patience: Duration, load: Load) -> bool {
        if self.is_empty() {
            return false;
        }
        let mut state = self.lock();
        let passed = |since: Instant| now.saturating_duration_since(since);
        state.clock = Some(now);
        state.load = if self.is_watched { load } else { Load::Unknown };
        if state.taken != state.taken_at_last_look || state.moved.is_none() {
            state.taken_at_last_look = state.taken;
            state.moved = Some(now);
        }
        let next = if load != Load::Idle && state.has_quick() {
            None
        } else {
            state.pick_now()
        };
        if next.is_some() && load != Load::Busy {
            state.haste = HASTE;
        }
        let nobody_takes_it =
            state.idle.is_empty() || state.last_free().is_none() && state.may_grow();
        let is_hopeless = state.searching == 0 && nobody_takes_it && !state.entries.is_empty();
        let is_stuck = is_hopeless && state.moved.is_some_and(|moved| passed(moved) >= patience);
        if is_stuck {
            state.moved = Some(now);
            let is_coming = state.asked.is_some_and(|asked| passed(asked) < COMING);
            if state.alive < state.most && !is_coming {
                state.asked.get_or_insert(now);
                state.has_wish = true;
            }
        }
        self.unlock(state);
        wake(next);
        is_stuck
    }

    /// Takes no more entries; workers end when there are none left.
    pub fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        state.idle.clear();
        let mut threads = Vec::new();
        for worker in &mut state.workers {
            worker.is_idle = false;
            threads.push(worker.thread.clone());
        }
        drop(state);
        for thread in threads {
            thread.unpark();
        }
    }
}
