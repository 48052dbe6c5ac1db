//! One connection, between the halves: a request is handed over when nobody has to wait for its body any more.
//!
//! A body up to `max_collected_bytes` is collected first, so that a slow client costs no thread. A longer one is read
//! as it comes, and so is one whose client waits to be asked for it; how many those may be, `places` says.

use std::sync::Arc;

use hipflask_http1::{Framing, Receiving, ResponseHead};

use crate::clock::Clock;
use crate::connection::{Connection, Fate, Round};
use crate::reply::Payload;

/// Bytes that are read at least: the framing of chunks takes some as well.
const LEAST_READ: usize = 1024;

impl Connection {
    /// Hands the request over, once all that came with it has been looked at, and as much of its body is there as
    /// is collected.
    pub(crate) fn file(&mut self, round: &mut Round) -> Fate {
        if self.is_filed {
            return Fate::Stay;
        }
        let Some(request) = &self.request else {
            return Fate::Stay;
        };
        let request = Arc::clone(request);
        if request.body.is_some() && self.waits_for_body(round) {
            return Fate::Stay;
        }
        self.is_filed = true;
        if request.head.target.of(&request.bytes) == b"*" {
            return self.answer_asterisk(round);
        }
        round.batch.push(request);
        Fate::Stay
    }

    /// Whether there is a request that has not been handed over because of its body.
    pub(crate) const fn is_collecting(&self) -> bool {
        self.request.is_some() && !self.is_filed
    }

    /// Whether more of the body is to come before the request is handed over.
    fn waits_for_body(&mut self, round: &mut Round) -> bool {
        if self.http.receiving() != Receiving::Body || self.http.awaits_continue() {
            return false;
        }
        self.reading.get_or_insert_with(|| Clock::start(round.now));
        let most = round.settings.max_collected_bytes;
        if self.body().is_some_and(|body| body.size() >= most) {
            return false;
        }
        let request = self.request.as_ref();
        let is_long = request.is_some_and(|request| match request.head.body {
            Framing::Length(length) => length > most as u64,
            Framing::Chunked => false,
        });
        // The application may refuse a long one before it has come.
        !(is_long && round.begins_early())
    }

    /// Returns how many bytes may be read at once: what is collected must not exceed its bound.
    pub(crate) fn room(&self, size: usize, round: &Round) -> usize {
        if !self.is_collecting() {
            return size;
        }
        let collected = self.body().map_or(0, |body| body.size());
        let left = round.settings.max_collected_bytes.saturating_sub(collected);
        size.min(left.max(LEAST_READ))
    }

    /// `OPTIONS *` asks about the server, not the application (RFC 9110, 9.3.7).
    fn answer_asterisk(&mut self, round: &mut Round) -> Fate {
        let done =
            ResponseHead::new(204, b"").and_then(|head| self.answer(&head, Payload::EMPTY, round));
        if done.is_err() {
            return Fate::Drop;
        }
        Fate::Again
    }
}
