//! One connection of HTTP/1.1: what comes in becomes a request, what Python replies goes out.
//!
//! Protocol and framing are those of `hipflask_http1`; here are buffers, back-pressure and time-outs. Every
//! method ends with a [`Fate`], which the server carries out.

use std::io::ErrorKind as IoErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use hipflask_http1::{
    Connection as Protocol, ErrorKind, Event, Framing, Receiving, Refusal, RequestHead, Sending,
    ServerFields,
};

use crate::body::{End, Incoming};
use crate::clock::Clock;
use crate::config::{Settings, seconds};
use crate::journal::Report;
use crate::listener::{Address, Stream};
use crate::output::Output;
use crate::places::Places;
use crate::request::{Request, Ticket};

/// Reads in a row from one connection; then it is others' turn.
const READS: usize = 4;
/// Bytes of answers that a client has not taken, beyond which its next request waits.
const MOST_UNTAKEN: u64 = 64 * 1024;
const SERVER: &[u8] = b"hipflask";

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Fate {
    /// It goes on when something happens.
    Stay,
    /// It has more to do at once, after the others.
    Again,
    /// It is over.
    Drop,
}

/// What all connections share during one round of the I/O thread.
pub struct Round {
    pub settings: Arc<Settings>,
    pub now: Instant,
    pub date: [u8; 29],
    /// What is read goes here first.
    pub scratch: Vec<u8>,
    /// Memory for the next answer.
    pub spare: Vec<u8>,
    /// Requests to be handed over.
    pub batch: Vec<Arc<Request>>,
    /// Keys of those who wait.
    pub resumed: Vec<u64>,
    pub report: Report,
    pub is_draining: bool,
    pub places: Arc<Places>,
    /// Requests that were handed over in this round before much of their body had come.
    pub early: usize,
}

impl Round {
    pub(crate) fn fields(date: &[u8; 29]) -> ServerFields<'_> {
        ServerFields {
            server: SERVER,
            date,
        }
    }

    /// Whether one more request may be handed over before much of its body has come; counts it if so.
    pub(crate) fn begins_early(&mut self) -> bool {
        let is_free = self.early < self.places.early();
        self.early = self.early.saturating_add(usize::from(is_free));
        is_free
    }

    pub(crate) fn resume(&mut self, key: u64) {
        if key != 0 {
            self.resumed.push(key);
        }
    }
}

/// What a connection is doing, for its time-outs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It waits for the rest of a head.
    Head,
    /// It waits for another request.
    KeepAlive,
    /// A request is being served.
    Busy,
    /// All was sent; what still comes is thrown away.
    Linger,
}

/// One connection.
pub struct Connection {
    pub(crate) stream: Stream,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) local: Arc<Address>,
    pub(crate) ticket: Ticket,
    pub(crate) http: Protocol,
    /// What has come and was not consumed, from `at` on.
    pub(crate) input: Vec<u8>,
    pub(crate) at: usize,
    pub(crate) output: Output,
    pub(crate) request: Option<Arc<Request>>,
    /// The request was handed over.
    pub(crate) is_filed: bool,
    pub(crate) status: u16,
    pub(crate) sent_before: u64,
    /// Who sends the present answer's body, and waits until what there is of it has left.
    pub(crate) streamer: u64,
    pub(crate) is_streamer_due: bool,
    /// The answer is complete as soon as what there is of it has left.
    pub(crate) is_end_due: bool,
    pub(crate) is_readable: bool,
    /// The socket has told of an end that was not read yet.
    pub(crate) is_end_near: bool,
    pub(crate) is_eof: bool,
    pub(crate) phase: Phase,
    pub(crate) since: Instant,
    pub(crate) reading: Option<Clock>,
    pub(crate) writing: Option<Clock>,
}

impl Connection {
    /// Makes one of a stream that was just accepted.
    pub fn new(
        stream: Stream,
        peer: Option<SocketAddr>,
        local: Arc<Address>,
        ticket: Ticket,
        round: &Round,
    ) -> Self {
        let mut http = Protocol::new(round.settings.limits());
        if round.is_draining {
            http.close_after_answer();
        }
        Self {
            stream,
            peer,
            local,
            ticket,
            http,
            input: Vec::new(),
            at: 0,
            output: Output::default(),
            request: None,
            is_filed: false,
            status: 0,
            sent_before: 0,
            streamer: 0,
            is_streamer_due: false,
            is_end_due: false,
            is_readable: true,
            is_end_near: false,
            is_eof: false,
            phase: Phase::Head,
            since: round.now,
            reading: None,
            writing: None,
        }
    }

    /// The number of the connection in its place.
    pub const fn generation(&self) -> u32 {
        self.ticket.generation
    }

    /// The stream, to be registered.
    pub const fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// The socket has something: bytes, or an end.
    pub fn on_readable(&mut self, is_end: bool, round: &mut Round) -> Fate {
        self.is_readable = true;
        self.is_end_near |= is_end;
        if is_end && let Some(request) = &self.request {
            let key = request.lose();
            round.resume(key);
        }
        self.go_on(round)
    }

    /// The socket takes more.
    pub fn on_writable(&mut self, round: &mut Round) -> Fate {
        if self.output.is_empty() {
            return Fate::Stay;
        }
        self.go_on(round)
    }

    /// It was given another turn.
    pub fn go_on(&mut self, round: &mut Round) -> Fate {
        let written = self.write(round);
        if written == Fate::Drop {
            return Fate::Drop;
        }
        let read = self.read(round);
        let was_ahead = self.is_ahead();
        if read == Fate::Drop || self.write(round) == Fate::Drop {
            return Fate::Drop;
        }
        if written == Fate::Again || (was_ahead && !self.is_ahead()) {
            Fate::Again
        } else {
            read
        }
    }

    /// Looks at the clocks.
    pub fn on_tick(&mut self, round: &mut Round) -> Fate {
        let now = round.now;
        let settings = Arc::clone(&round.settings);
        if let Some(clock) = &mut self.writing {
            let taken = self.output.sent.saturating_sub(self.stream.untaken());
            clock.count_up_to(taken, now);
        }
        if let Some(clock) = self.writing
            && clock.is_over(now, seconds(settings.write_timeout_seconds), &settings)
        {
            self.note(408, "the answer is taken too slowly", round);
            return self.give_up(round);
        }
        if self.is_body_full() {
            self.reading = self.reading.map(|_| Clock::start(now)); // it is not the client we wait for
        }
        if let Some(clock) = self.reading
            && clock.is_over(now, seconds(settings.body_timeout_seconds), &settings)
        {
            if self.is_collecting() {
                self.refuse(Refusal::new(408, "the body comes too slowly"), round);
                return self.go_on(round);
            }
            self.end_body(End::TooSlow, round);
        }
        if self.is_collecting() {
            return self.file(round); // there may be a place for it by now
        }
        let waited = now.saturating_duration_since(self.since);
        match self.phase {
            Phase::Busy if self.http.receiving() != Receiving::Draining => Fate::Stay,
            Phase::Busy | Phase::Linger if waited < seconds(settings.linger_timeout_seconds) => {
                Fate::Stay
            }
            Phase::Busy | Phase::Linger => Fate::Drop,
            // Its last answer has not left: the clock of writing is the one that counts.
            Phase::KeepAlive if !self.output.is_empty() => Fate::Stay,
            Phase::KeepAlive if waited < seconds(settings.keep_alive_timeout_seconds) => Fate::Stay,
            Phase::KeepAlive => Fate::Drop,
            Phase::Head if waited < seconds(settings.head_timeout_seconds) => Fate::Stay,
            Phase::Head if self.http.is_idle() && self.input.is_empty() => Fate::Drop,
            Phase::Head => {
                self.refuse(Refusal::new(408, "the head took too long"), round);
                self.go_on(round)
            }
        }
    }

    /// The server stops: no other request after the present or next one.
    pub fn close_after_answer(&mut self) {
        self.http.close_after_answer();
    }

    /// The server is stopping. A connection that has been silent for a while is closed; another may be about to ask.
    pub fn on_drain(&mut self, is_patient: bool, round: &mut Round) -> Fate {
        let is_silent = round.now.saturating_duration_since(self.since).as_millis() >= 1000;
        let is_waiting = matches!(self.phase, Phase::KeepAlive | Phase::Head);
        let is_done = self.input.is_empty() && self.output.is_empty();
        if is_waiting && is_done && (is_silent || !is_patient) {
            return Fate::Drop;
        }
        Fate::Stay
    }

    /// The server ends before the answer.
    pub fn on_cut(&mut self, round: &mut Round) {
        if self.request.is_some() {
            self.note(503, "cut at the end of the graceful stop", round);
        }
        self.on_drop(round);
    }

    /// The connection is over: whoever deals with it is told.
    pub fn on_drop(&mut self, round: &mut Round) {
        self.lose_request(round);
        round.resume(std::mem::take(&mut self.streamer));
    }

    /// The present request's answer will not be whole.
    pub(crate) fn lose_request(&mut self, round: &mut Round) {
        self.end_body(End::Gone, round);
        if let Some(request) = self.request.take() {
            request.cut();
            round.resume(request.lose());
            if self.status != 0 {
                self.log(request, false, round);
            }
        }
    }

    // Receiving

    fn read(&mut self, round: &mut Round) -> Fate {
        // A body may have ended with the piece that filled the buffer.
        let is_end_due = self.is_eof || self.http.receiving() == Receiving::Body;
        if (is_end_due || !self.input.is_empty()) && self.phase != Phase::Linger {
            self.consume_input(round);
        }
        for _ in 0..READS {
            if !self.is_readable || !self.wants_input() {
                return self.file(round);
            }
            let mut scratch = std::mem::take(&mut round.scratch);
            let fate = self.read_once(&mut scratch, round);
            round.scratch = scratch;
            if fate == Fate::Drop {
                return fate;
            }
        }
        match self.file(round) {
            Fate::Stay => Fate::Again,
            other => other,
        }
    }

    /// Whether bytes are of any use now; if not, they stay in the socket, and the client has to wait.
    fn wants_input(&self) -> bool {
        if self.phase == Phase::Linger {
            return true;
        }
        match self.http.receiving() {
            Receiving::Idle | Receiving::Draining => self.output.is_empty(),
            Receiving::Body => !self.is_body_full(),
            _ => false,
        }
    }

    /// Whether the client has left so much of its answers untaken that its next request waits.
    fn is_ahead(&self) -> bool {
        self.http.receiving() == Receiving::Idle && self.output.pending() > MOST_UNTAKEN
    }

    fn read_once(&mut self, scratch: &mut [u8], round: &mut Round) -> Fate {
        let room = self.room(scratch.len(), round);
        let scratch = scratch.get_mut(..room).unwrap_or_default();
        match self.stream.read(scratch) {
            Ok(0) => {
                self.is_readable = false;
                self.is_eof = true;
                if self.phase == Phase::Linger {
                    return Fate::Drop;
                }
                if let Some(request) = &self.request {
                    round.resume(request.lose());
                }
                self.consume_input(round);
            }
            Ok(_) if self.phase == Phase::Linger => {}
            Ok(size) => {
                // A short read has emptied the socket: it will tell of what comes next.
                self.is_readable = size == scratch.len() || self.is_end_near;
                if let Some(clock) = &mut self.reading {
                    clock.count(size as u64, round.now);
                }
                let data = scratch.get(..size).unwrap_or_default();
                if self.input.is_empty() {
                    let used = self.consume(data, round);
                    self.keep(data.get(used..).unwrap_or_default());
                } else {
                    self.input.extend_from_slice(data);
                    self.consume_input(round);
                }
            }
            Err(error) if error.kind() == IoErrorKind::WouldBlock => self.is_readable = false,
            Err(error) if error.kind() == IoErrorKind::Interrupted => {}
            Err(_) => return Fate::Drop,
        }
        Fate::Stay
    }

    fn keep(&mut self, rest: &[u8]) {
        if !rest.is_empty() {
            self.input.extend_from_slice(rest);
        }
    }

    /// Consumes what has been kept.
    fn consume_input(&mut self, round: &mut Round) {
        let mut input = std::mem::take(&mut self.input);
        let used = self.consume(input.get(self.at..).unwrap_or_default(), round);
        self.at = self.at.saturating_add(used);
        if self.at >= input.len() {
            input = Vec::new(); // an idle connection keeps no memory
            self.at = 0;
        } else if self.at > input.len() / 2 {
            input.drain(..self.at);
            self.at = 0;
        }
        self.input = input;
    }

    /// Goes through what has come, and returns how much of it is done with.
    fn consume(&mut self, data: &[u8], round: &mut Round) -> usize {
        let mut used = 0_usize;
        let mut is_fed = false;
        while !self.is_body_full() && !self.is_ahead() {
            let rest = data.get(used..).unwrap_or_default();
            let received = match self.http.receive(rest, self.is_eof) {
                Ok(received) => received,
                Err(kind) => {
                    self.refuse_input(kind, round);
                    return data.len();
                }
            };
            used = used.saturating_add(received.consumed);
            match received.event {
                Event::Request(bytes) => self.begin(bytes, round),
                Event::Body(piece) => {
                    if let Some(body) = self.body() {
                        body.feed(piece);
                        is_fed = true;
                    }
                }
                Event::End => self.end_body(End::Whole, round),
                Event::NeedData => {
                    self.wait_for_more(round.now);
                    break;
                }
                Event::Paused | Event::Switched | Event::Closed => break,
            }
        }
        if is_fed && let Some(body) = self.body() {
            round.resume(body.tell());
        }
        used
    }

    /// Chooses the time-out for what comes next.
    fn wait_for_more(&mut self, now: Instant) {
        if self.http.receiving() == Receiving::Idle && self.phase != Phase::Head {
            if !self.http.is_idle() {
                self.enter(Phase::Head, now);
            } else if self.phase == Phase::Busy {
                self.enter(Phase::KeepAlive, now);
            }
        }
    }

    pub(crate) fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.since = now;
    }

    /// A request's head is complete.
    fn begin(&mut self, bytes: &[u8], round: &mut Round) {
        self.enter(Phase::Busy, round.now);
        self.status = 0;
        let mut head = RequestHead::default();
        self.http.swap_head(&mut head);
        let has_body = head.body != Framing::Length(0);
        let body = has_body.then(|| Arc::new(Incoming::new(round.settings.max_collected_bytes)));
        let request = Request::new(
            self.ticket,
            bytes,
            head,
            self.peer,
            Arc::clone(&self.local),
            body,
            round.now,
        );
        self.request = Some(Arc::new(request));
        self.is_filed = false;
    }

    pub(crate) fn body(&self) -> Option<&Arc<Incoming>> {
        self.request.as_ref()?.body.as_ref()
    }

    fn is_body_full(&self) -> bool {
        self.http.receiving() == Receiving::Body && self.body().is_some_and(|body| body.is_full())
    }

    pub(crate) fn end_body(&mut self, end: End, round: &mut Round) {
        self.reading = None;
        if let Some(body) = self.body() {
            let key = body.finish(end);
            round.resume(key);
        }
    }

    /// What has come is no HTTP. If the application has the request, it learns it when it reads the body.
    fn refuse_input(&mut self, kind: ErrorKind, round: &mut Round) {
        if self.request.is_some() && self.is_filed {
            self.end_body(End::Refused(kind), round);
            return;
        }
        if self.http.sending() == Sending::Owed {
            self.refuse(Refusal::from(kind), round);
        }
        self.request = None;
    }
}
