//! One connection: what is received. The other half, what is sent, is in `sending`.

use crate::body::{BodyReader, Piece};
use crate::error::ErrorKind;
use crate::framing::BodyMode;
use crate::head::{Framing, RequestHead};
use crate::limits::Limits;
use crate::scan::HeadScan;
use crate::state::{Receiving, Sending, Signal, step};

/// What was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// Nothing before more has arrived; what was not consumed must be given again, with more behind it.
    NeedData,
    /// A request's head: its bytes. [`Connection::head`] says what is where in them.
    Request(&'a [u8]),
    /// A piece of the request's body, never empty.
    Body(&'a [u8]),
    /// The request is complete.
    End,
    /// Nothing before the answer is complete; nothing is consumed.
    Paused,
    /// Nothing of HTTP: the bytes belong to the protocol that was switched to; nothing is consumed.
    Switched,
    /// Nothing more: the connection ends. Whatever else arrives is consumed and means nothing.
    Closed,
}

/// An event, and how many bytes of the input are done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received<'a> {
    /// Bytes at the input's front that must not be given again.
    pub consumed: usize,
    /// What they said.
    pub event: Event<'a>,
}

/// What is known of the present request beside its head.
#[derive(Debug, Default, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // they are independent of each other
pub(crate) struct Exchange {
    /// 1 for HTTP/1.1, 0 for HTTP/1.0.
    pub(crate) minor_version: u8,
    /// The client offers to speak another protocol.
    pub(crate) is_upgrade: bool,
    /// It is a HEAD request.
    pub(crate) is_head: bool,
    /// Another request may follow, as far as is known by now.
    pub(crate) keeps_alive: bool,
    /// The client waits for `100 Continue`.
    pub(crate) awaits_continue: bool,
}

/// One connection in the server's role.
///
/// It keeps no bytes: the caller gives what has arrived and was not consumed, takes one event, and goes on
/// with the rest until [`Event::NeedData`], [`Event::Paused`] or [`Event::Closed`]. Requests are answered
/// one after the other, so pipelined ones stay in order by themselves.
#[derive(Debug)]
pub struct Connection {
    pub(crate) limits: Limits,
    pub(crate) receiving: Receiving,
    pub(crate) sending: Sending,
    pub(crate) exchange: Exchange,
    pub(crate) body: BodyReader,
    pub(crate) mode: BodyMode,
    pub(crate) is_last: bool,
    pub(crate) is_aborted: bool,
    scan: HeadScan,
    head: RequestHead,
    requests: u64,
    drain_left: u64,
}

impl Connection {
    /// Makes a connection on which nothing has happened.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            receiving: Receiving::Idle,
            sending: Sending::Idle,
            exchange: Exchange::default(),
            body: BodyReader::new(Framing::default(), &limits),
            mode: BodyMode::Absent,
            is_last: false,
            is_aborted: false,
            scan: HeadScan::default(),
            head: RequestHead::default(),
            requests: 0,
            drain_left: 0,
        }
    }

    /// Takes one event from what has arrived.
    ///
    /// # Arguments
    ///
    /// * `input` - All bytes that arrived and were not consumed yet.
    /// * `is_eof` - No more will come. Then [`Event::NeedData`] is never returned.
    ///
    /// # Errors
    ///
    /// The input is refused. An answer may be owed for it ([`refuse`](Self::refuse)); nothing of this
    /// connection is read as a request again.
    pub fn receive<'a>(
        &mut self,
        input: &'a [u8],
        is_eof: bool,
    ) -> Result<Received<'a>, ErrorKind> {
        let mut consumed = 0usize;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            let (size, event) = match self.receiving {
                Receiving::Idle => self.receive_head(rest, is_eof)?,
                Receiving::Body => self.receive_body(rest, is_eof)?,
                Receiving::Draining => match self.drain(rest, is_eof)? {
                    (size, None) => {
                        consumed = consumed.saturating_add(size);
                        continue;
                    }
                    (size, Some(event)) => (size, event),
                },
                Receiving::Done => (0, Event::Paused),
                Receiving::Switched => (0, Event::Switched),
                Receiving::Closed | Receiving::Failed => (rest.len(), Event::Closed),
            };
            return Ok(Received {
                consumed: consumed.saturating_add(size),
                event,
            });
        }
    }

    /// The head of the last [`Event::Request`].
    #[must_use]
    pub const fn head(&self) -> &RequestHead {
        &self.head
    }

    /// Exchanges the head of the last [`Event::Request`] for another, so that it can travel and memory that
    /// comes back is used again.
    pub fn swap_head(&mut self, head: &mut RequestHead) {
        std::mem::swap(&mut self.head, head);
    }

    /// What is received next.
    #[must_use]
    pub const fn receiving(&self) -> Receiving {
        self.receiving
    }

    /// What is sent next. [`Sending::Closed`]: once all bytes have left, end the sending, and read for a
    /// while what still comes, so that the last answer is not lost in a reset (RFC 9112, 9.6).
    #[must_use]
    pub const fn sending(&self) -> Sending {
        self.sending
    }

    /// The number of requests so far.
    #[must_use]
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Whether nothing of a request has arrived since the last answer was complete, as far as `receive` was
    /// told.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.receiving == Receiving::Idle && self.scan.is_fresh()
    }

    /// Moves both sides; false if that cannot happen now.
    pub(crate) fn signal(&mut self, signal: Signal) -> bool {
        let next = step(signal, self.receiving, self.sending);
        if let Some((receiving, sending)) = next {
            self.receiving = receiving;
            self.sending = sending;
        }
        next.is_some()
    }

    /// Goes on to what follows from both sides' states: the next request, the rest of this one, or the end.
    pub(crate) fn settle(&mut self) {
        match (self.receiving, self.sending) {
            (Receiving::Done, Sending::Done) if self.keeps_alive() => {
                self.signal(Signal::Reuse);
            }
            (Receiving::Body, Sending::Done) if self.keeps_alive() => {
                self.drain_left = self.limits.max_drain_bytes;
                self.signal(Signal::Drain);
            }
            (_, Sending::Done) => {
                self.signal(Signal::Stop);
            }
            _ => {}
        }
    }

    fn receive_head<'a>(
        &mut self,
        input: &'a [u8],
        is_eof: bool,
    ) -> Result<(usize, Event<'a>), ErrorKind> {
        let blank = self.scan.skip_blank(input);
        let input = input.get(blank..).unwrap_or_default();
        match self.scan.read(input, &self.limits, &mut self.head) {
            Err(kind) => Err(self.fail(kind)),
            Ok(None) if !is_eof => Ok((blank, Event::NeedData)),
            Ok(None) if input.is_empty() => {
                self.signal(Signal::Stop);
                Ok((blank, Event::Closed))
            }
            Ok(None) => Err(self.fail(ErrorKind::IncompleteHead)),
            Ok(Some(size)) => {
                let bytes = input.get(..size).unwrap_or_default();
                self.begin_exchange(bytes);
                Ok((blank.saturating_add(size), Event::Request(bytes)))
            }
        }
    }

    fn begin_exchange(&mut self, bytes: &[u8]) {
        self.requests = self.requests.saturating_add(1);
        self.exchange = Exchange {
            minor_version: self.head.minor_version,
            is_upgrade: self.head.is_upgrade,
            is_head: self.head.method.of(bytes) == b"HEAD",
            keeps_alive: self.head.is_keep_alive && self.requests < self.limits.max_requests,
            awaits_continue: self.head.expects_continue && self.head.body != Framing::Length(0),
        };
        self.body = BodyReader::new(self.head.body, &self.limits);
        self.signal(Signal::RequestHead);
    }

    fn receive_body<'a>(
        &mut self,
        input: &'a [u8],
        is_eof: bool,
    ) -> Result<(usize, Event<'a>), ErrorKind> {
        // A client that sends the body does not wait (RFC 9110, 10.1.1).
        self.exchange.awaits_continue &= input.is_empty();
        match self.body.read(input) {
            Err(kind) => Err(self.fail(kind)),
            Ok((_, Piece::NeedData)) if is_eof => Err(self.fail(ErrorKind::IncompleteBody)),
            Ok((size, Piece::NeedData)) => Ok((size, Event::NeedData)),
            Ok((size, Piece::Data(data))) => Ok((size, Event::Body(data))),
            Ok((size, Piece::End)) => {
                self.signal(Signal::RequestEnd);
                self.settle();
                Ok((size, Event::End))
            }
        }
    }

    /// Throws away one piece of a body; an event only if that ends the draining otherwise than by the body's
    /// end.
    fn drain<'a>(
        &mut self,
        input: &[u8],
        is_eof: bool,
    ) -> Result<(usize, Option<Event<'a>>), ErrorKind> {
        // Framing counts as well, so that a body of tiny chunks is no way around the limit.
        let max = usize::try_from(self.drain_left)
            .unwrap_or(usize::MAX)
            .saturating_add(1);
        let (size, piece) = self
            .body
            .read(input.get(..max).unwrap_or(input))
            .map_err(|kind| self.fail(kind))?;
        let left = self.drain_left.checked_sub(size as u64);
        self.drain_left = left.unwrap_or(0);
        match piece {
            _ if left.is_none() => {
                self.signal(Signal::Stop);
            }
            Piece::Data(_) => {}
            Piece::End => {
                self.signal(Signal::RequestEnd);
                self.settle();
            }
            Piece::NeedData if is_eof => {
                self.signal(Signal::Stop);
            }
            Piece::NeedData => return Ok((size, Some(Event::NeedData))),
        }
        Ok((size, None))
    }

    /// Refuses the input.
    fn fail(&mut self, kind: ErrorKind) -> ErrorKind {
        self.exchange.keeps_alive = false;
        if self.receiving == Receiving::Idle {
            self.exchange = Exchange::default(); // nothing is known of this request, not even its method
        }
        self.signal(Signal::Refuse);
        kind
    }
}
