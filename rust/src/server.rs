//! The I/O thread: one loop over all sockets. It never waits for anything but the poll, and knows no Python.
//!
//! A round: what Python has replied, what the sockets tell, connections that want another turn, clocks; then
//! all new requests are handed over at once.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hipflask_http1::{Refusal, http_date};
use mio::event::Event;
use mio::{Events, Poll, Token};
use slab::Slab;

use crate::config::{Settings, seconds};
use crate::connection::{Connection, Fate, Round};
use crate::door::Door;
use crate::journal::{Journal, Report};
use crate::listener::{Address, Listener};
use crate::meter::Meter;
use crate::reply::{Action, Replies, Reply};
use crate::request::{Request, Ticket};

/// The token of the waker; listeners are counted down from below it.
pub const WAKER: Token = Token(usize::MAX);
/// Connections accepted in one round.
const ACCEPTS: usize = 64;
const READ_BYTES: usize = 64 * 1024;
/// How often clocks are looked at.
const TICK: Duration = Duration::from_millis(250);
/// How long a queue may stand still.
const WATCH: Duration = Duration::from_millis(5);
/// How often it is looked at in the meantime, and whether workers hold answers back.
const LOOK: Duration = Duration::from_millis(1);
/// How long the journal gathers before it tells of it.
const REPORT: Duration = Duration::from_millis(50);
/// How long nothing is accepted after there was no descriptor left.
const PAUSE: Duration = Duration::from_millis(100);
/// Descriptors that are left to the application.
const HEADROOM: u64 = 64;
/// After the start of draining, how long connections are kept whose clients may just be about to ask.
const DRAIN_PATIENCE: Duration = Duration::from_secs(1);
const RETRY_SECONDS: u32 = 1;

/// Whether the thread is to panic.
#[cfg(feature = "panics")]
pub static IS_PANIC_DUE: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// When the server is to end, told from any thread: milliseconds from the first call on.
#[derive(Debug, Default)]
pub struct Stop {
    /// 0: not asked for; else graceful milliseconds plus one.
    graceful: AtomicU64,
}

impl Stop {
    /// Asks for the end; a later call can only shorten the time.
    pub fn ask(&self, graceful: Duration) {
        let value = u64::try_from(graceful.as_millis()).unwrap_or(u64::MAX / 2);
        let value = value.saturating_add(1);
        let _ = self
            .graceful
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| {
                (old == 0 || value < old).then_some(value)
            });
    }

    fn asked(&self) -> Option<Duration> {
        match self.graceful.load(Ordering::Acquire) {
            0 => None,
            value => Some(Duration::from_millis(value.saturating_sub(1))),
        }
    }
}

/// Everything that the thread needs.
pub struct Server {
    poll: Poll,
    listeners: Vec<(Listener, Arc<Address>)>,
    connections: Slab<Connection>,
    most_connections: usize,
    door: Arc<dyn Door>,
    replies: Arc<Replies>,
    journal: Arc<Journal>,
    stop: Arc<Stop>,
    meter: Meter,
    round: Round,
    generation: u32,
    /// Connections that want another turn.
    again: Vec<Ticket>,
    /// Nothing is accepted before this moment.
    paused_until: Option<Instant>,
    is_accept_due: bool,
    next_tick: Instant,
    next_report: Option<Instant>,
    drain_began: Option<Instant>,
    date_second: u64,
}

impl Server {
    /// Makes the server; nothing is accepted before `run`.
    pub fn new(
        poll: Poll,
        listeners: Vec<Listener>,
        settings: Arc<Settings>,
        door: Arc<dyn Door>,
        replies: Arc<Replies>,
        journal: Arc<Journal>,
        stop: Arc<Stop>,
    ) -> Self {
        let now = Instant::now();
        Self {
            most_connections: settings.max_connections.min(descriptors()),
            poll,
            listeners: listeners
                .into_iter()
                .map(|listener| {
                    let address = Arc::new(listener.address());
                    (listener, address)
                })
                .collect(),
            connections: Slab::new(),
            replies,
            journal,
            stop,
            meter: Meter::new(),
            round: Round {
                settings,
                now,
                date: http_date(0),
                scratch: vec![0; READ_BYTES],
                spare: Vec::new(),
                batch: Vec::new(),
                resumed: Vec::new(),
                report: Report::default(),
                is_draining: false,
                places: door.places(),
                early: 0,
            },
            door,
            generation: 0,
            again: Vec::new(),
            paused_until: None,
            is_accept_due: false,
            next_tick: now,
            next_report: None,
            drain_began: None,
            date_second: 0,
        }
    }

    /// Serves until it is asked to stop and everything is answered, or the time is up.
    pub fn run(mut self) {
        let error = self.serve().err().map(|error| error.to_string());
        for (_, mut connection) in std::mem::take(&mut self.connections) {
            connection.on_cut(&mut self.round);
        }
        self.hand_over();
        self.journal.add(&mut self.round.report);
        self.door.end(error);
    }

    fn serve(&mut self) -> io::Result<()> {
        for (at, (listener, _)) in self.listeners.iter_mut().enumerate() {
            listener.register(self.poll.registry(), listener_token(at))?;
        }
        let mut events = Events::with_capacity(1024);
        let mut replies = Vec::new();
        loop {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            self.look_at_clock();
            #[cfg(feature = "panics")]
            assert!(
                !IS_PANIC_DUE.swap(false, Ordering::AcqRel),
                "on purpose, too"
            );
            self.begin_drain();
            self.replies.swap(&mut replies);
            self.carry_out(&mut replies);
            for event in &events {
                self.on_event(event);
            }
            self.go_on();
            self.accept_late();
            self.on_tick();
            if self.drain() {
                return Ok(());
            }
            self.hand_over();
            self.tell();
        }
    }

    /// How long the poll may sleep.
    fn patience(&self) -> Option<Duration> {
        let may_accept = self.is_accept_due && self.paused_until.is_none();
        if may_accept || !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        if self.door.is_waiting() || self.door.is_holding() {
            return Some(LOOK);
        }
        // A worker that holds answers back has taken something since: the queue was not empty then.
        if !self.replies.is_empty() {
            return Some(Duration::ZERO);
        }
        let is_tick_needed = !self.connections.is_empty()
            || self.drain_began.is_some()
            || self.paused_until.is_some();
        let tick = is_tick_needed.then_some(self.next_tick);
        let next = match (tick, self.next_report) {
            (Some(tick), Some(report)) => Some(tick.min(report)),
            (tick, report) => tick.or(report),
        };
        next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    fn look_at_clock(&mut self) {
        self.round.now = Instant::now();
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let second = since.map_or(0, |since| since.as_secs());
        if second != self.date_second {
            self.date_second = second;
            self.round.date = http_date(second);
        }
    }

    fn on_event(&mut self, event: &Event) {
        let Token(token) = event.token();
        if event.token() == WAKER {
            return;
        }
        if token >= listener_token(self.listeners.len()).0 {
            self.is_accept_due = true;
            return;
        }
        let Some(connection) = self.connections.get_mut(token) else {
            return; // dropped in this very round
        };
        let is_broken = event.is_error() || (event.is_read_closed() && event.is_write_closed());
        let fate = if event.is_readable() || event.is_read_closed() || is_broken {
            connection.on_readable(event.is_read_closed() || is_broken, &mut self.round)
        } else {
            connection.on_writable(&mut self.round)
        };
        self.settle(token, fate);
    }

    fn settle(&mut self, token: usize, fate: Fate) {
        match fate {
            Fate::Stay => {}
            Fate::Again => {
                if let Some(connection) = self.connections.get(token) {
                    self.again.push(Ticket {
                        token,
                        generation: connection.generation(),
                    });
                }
            }
            Fate::Drop => {
                if let Some(mut connection) = self.connections.try_remove(token) {
                    connection.on_drop(&mut self.round);
                }
                self.is_accept_due |= self.paused_until.take().is_some();
            }
        }
    }

    fn carry_out(&mut self, replies: &mut Vec<Reply>) {
        for Reply { ticket, action } in replies.drain(..) {
            let found = self.connections.get_mut(ticket.token);
            if let Some(connection) = found
                && connection.generation() == ticket.generation
            {
                let fate = connection.on_reply(action, &mut self.round);
                self.settle(ticket.token, fate);
            } else if let Action::Begin(_, key) = action {
                self.round.resume(key); // no connection has it, to tell it of its end
            }
        }
    }

    fn go_on(&mut self) {
        for ticket in std::mem::take(&mut self.again) {
            let found = self.connections.get_mut(ticket.token);
            if let Some(connection) = found
                && connection.generation() == ticket.generation
            {
                let fate = connection.go_on(&mut self.round);
                self.settle(ticket.token, fate);
            }
        }
    }

    // Accepting

    fn accept_late(&mut self) {
        let is_over = |until| self.round.now >= until;
        if self.paused_until.is_some_and(is_over) {
            self.paused_until = None;
            self.is_accept_due = true;
        }
        if self.is_accept_due && self.paused_until.is_none() {
            self.is_accept_due = false;
            self.accept();
        }
    }

    fn accept(&mut self) {
        for at in 0..self.listeners.len() {
            for turn in 0..=ACCEPTS {
                if turn == ACCEPTS {
                    self.is_accept_due = true; // the others first
                } else if !self.accept_one(at) {
                    break;
                }
            }
        }
    }

    /// Accepts one connection; false if there is none, or no place for it.
    fn accept_one(&mut self, at: usize) -> bool {
        let Some((listener, address)) = self.listeners.get(at) else {
            return false;
        };
        if self.connections.len() >= self.most_connections {
            // They wait in the system's queue until another ends.
            self.paused_until = self.round.now.checked_add(PAUSE);
            return false;
        }
        match listener.accept() {
            Ok((stream, peer)) => {
                let entry = self.connections.vacant_entry();
                let token = entry.key();
                self.generation = self.generation.wrapping_add(1);
                let ticket = Ticket {
                    token,
                    generation: self.generation,
                };
                let local = Arc::clone(address);
                let mut connection = Connection::new(stream, peer, local, ticket, &self.round);
                let registry = self.poll.registry();
                if connection.stream().register(registry, Token(token)).is_ok() {
                    entry.insert(connection);
                    // What it has sent is probably there already.
                    self.again.push(ticket);
                }
                true
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => false,
            Err(error) if is_of_client(&error) => true,
            Err(_) => {
                // No descriptor or no memory left: trying again at once would only spin.
                self.paused_until = self.round.now.checked_add(PAUSE);
                false
            }
        }
    }

    // Clocks

    fn on_tick(&mut self) {
        if self.round.now < self.next_tick {
            return;
        }
        self.next_tick = self.round.now.checked_add(TICK).unwrap_or(self.round.now);
        let mut over = Vec::new();
        for (token, connection) in &mut self.connections {
            let fate = connection.on_tick(&mut self.round);
            if fate != Fate::Stay {
                over.push((token, fate));
            }
        }
        for (token, fate) in over {
            self.settle(token, fate);
        }
    }

    /// Begins the stopping, if it is asked for: from now on, answers say that their connections close.
    fn begin_drain(&mut self) {
        if self.stop.asked().is_none() || self.drain_began.is_some() {
            return;
        }
        self.drain_began = Some(self.round.now);
        self.paused_until = None;
        for at in 0..self.listeners.len() {
            while self.accept_one(at) {} // what the system has accepted in our name already
        }
        self.round.is_draining = true;
        for (mut listener, _) in std::mem::take(&mut self.listeners) {
            listener.deregister(self.poll.registry());
        }
        for (_, connection) in &mut self.connections {
            connection.close_after_answer();
        }
    }

    /// Goes on with the stopping; true at its end.
    fn drain(&mut self) -> bool {
        let (Some(graceful), Some(began)) = (self.stop.asked(), self.drain_began) else {
            return false;
        };
        let elapsed = self.round.now.saturating_duration_since(began);
        let is_patient = elapsed < DRAIN_PATIENCE.min(graceful);
        let mut over = Vec::new();
        for (token, connection) in &mut self.connections {
            if connection.on_drain(is_patient, &mut self.round) == Fate::Drop {
                over.push(token);
            }
        }
        for token in over {
            self.settle(token, Fate::Drop);
        }
        elapsed >= graceful || self.connections.is_empty()
    }

    // Handing over

    fn hand_over(&mut self) {
        let load = if self.door.is_waiting() {
            self.meter.read(self.round.now)
        } else {
            None
        };
        let late = self.door.watch(self.round.now, load);
        self.refuse_all(late);
        if !self.round.batch.is_empty() {
            let mut batch = std::mem::take(&mut self.round.batch);
            self.door.take(&mut batch, self.round.now);
            let rest = std::mem::take(&mut batch);
            self.round.batch = batch;
            self.round.early = 0;
            self.refuse_all(rest);
        }
        if !self.round.resumed.is_empty() {
            self.door.resume(&mut self.round.resumed);
        }
    }

    /// There is no thread for these requests.
    fn refuse_all(&mut self, requests: Vec<Arc<Request>>) {
        for request in requests {
            let ticket = request.ticket;
            request.cut(); // whatever Python still says of it comes too late
            let mut round_fate = None;
            let found = self.connections.get_mut(ticket.token);
            if let Some(connection) = found
                && connection.generation() == ticket.generation
            {
                connection.refuse(overload(), &mut self.round);
                round_fate = Some(connection.go_on(&mut self.round));
            }
            if let Some(fate) = round_fate {
                self.settle(ticket.token, fate);
            }
        }
    }

    fn tell(&mut self) {
        let report = &mut self.round.report;
        if !report.answers.is_empty() || !report.refusals.is_empty() {
            self.journal.add(report);
            if self.next_report.is_none() {
                self.next_report = self.round.now.checked_add(REPORT);
            }
        }
        if self.next_report.is_some_and(|at| self.round.now >= at) {
            self.next_report = None;
            self.door.report();
        }
    }
}

/// What a request is answered that no thread has time for.
pub const fn overload() -> Refusal {
    Refusal {
        status: 503,
        text: "too many requests wait",
        retry_after_seconds: Some(RETRY_SECONDS),
    }
}

const fn listener_token(at: usize) -> Token {
    Token(usize::MAX.saturating_sub(1).saturating_sub(at))
}

/// Whether accepting failed for a reason that concerns one client only.
fn is_of_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
    )
}

/// How many connections the process may have descriptors for.
fn descriptors() -> usize {
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    most.map_or(usize::MAX, |most| {
        let left = most.saturating_sub(HEADROOM.min(most / 2));
        usize::try_from(left).unwrap_or(usize::MAX)
    })
}

/// The interval in which a queue that stands still is given another thread.
pub const STUCK: Duration = WATCH;

/// Returns the moment before which a request must not have been filed to wait on.
pub fn oldest(now: Instant, settings: &Settings) -> Option<Instant> {
    now.checked_sub(seconds(settings.queue_timeout_seconds))
}
