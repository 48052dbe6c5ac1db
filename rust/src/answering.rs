//! One connection, the other half: what Python replies goes out, framed by `hipflask_http1`.

use std::sync::Arc;

use hipflask_http1::{AnswerError, Receiving, Refusal, ResponseHead, Sending};

use crate::body::End;
use crate::clock::Clock;
use crate::connection::{Connection, Fate, Phase, Round};
use crate::journal::{Answered, Refused};
use crate::output::Sent;
use crate::reply::{Action, FilePart, Payload};
use crate::request::Request;

impl Connection {
    /// Carries out what Python has replied.
    pub fn on_reply(&mut self, action: Action, round: &mut Round) -> Fate {
        let done = match action {
            Action::Answer(head, payload) => self.answer(&head, payload, round),
            Action::AnswerFile(head, part) => self.answer_file(&head, part, round),
            Action::AnswerAlike(head, payload) => self.answer(&head, payload, round),
            Action::Begin(head, key) => self.begin_answer(&head, key, round),
            Action::Part(payload) => {
                self.is_streamer_due = true;
                self.send(payload, round)
            }
            Action::File(part) => {
                self.is_streamer_due = true;
                self.send_file(part, round)
            }
            Action::End => self.finish(round),
            Action::Abort => {
                self.http.abort();
                Ok(())
            }
            Action::Refuse(refusal) => {
                self.refuse(refusal, round);
                Ok(())
            }
            Action::Receive(request) => {
                self.receive_more(&request, round);
                Ok(())
            }
        };
        if done.is_err() {
            self.http.abort();
        }
        self.go_on(round)
    }

    /// Refuses the request that was to be handed over.
    pub fn refuse(&mut self, refusal: Refusal, round: &mut Round) {
        let tail = self.output.tail(&mut round.spare);
        self.http.refuse(refusal, Round::fields(&round.date), tail);
        self.note(refusal.status, refusal.text, round);
        self.is_filed = false;
        self.end_body(End::Gone, round);
        self.request = None;
    }

    /// Somebody wants to read more of a request's body; it may have been answered meanwhile.
    fn receive_more(&mut self, request: &Arc<Request>, round: &mut Round) {
        if !self
            .request
            .as_ref()
            .is_some_and(|own| Arc::ptr_eq(own, request))
        {
            return;
        }
        if self.http.awaits_continue() {
            let tail = self.output.tail(&mut round.spare);
            self.http.send_continue(tail);
        }
        if self.http.receiving() == Receiving::Body {
            // One that runs goes on: a body that drips is no faster for being waited for.
            self.reading.get_or_insert_with(|| Clock::start(round.now));
        }
    }

    pub(crate) fn answer(
        &mut self,
        head: &ResponseHead,
        payload: Payload,
        round: &mut Round,
    ) -> Result<(), AnswerError> {
        let size = payload.as_slice().len() as u64;
        self.send_head(head, Some(size), round)?;
        self.send(payload, round)?;
        self.finish(round)
    }

    /// Begins an answer that is complete once its file has left.
    fn answer_file(
        &mut self,
        head: &ResponseHead,
        part: FilePart,
        round: &mut Round,
    ) -> Result<(), AnswerError> {
        self.send_head(head, None, round)?;
        self.send_file(part, round)?;
        self.is_end_due = true;
        Ok(())
    }

    fn begin_answer(
        &mut self,
        head: &ResponseHead,
        key: u64,
        round: &mut Round,
    ) -> Result<(), AnswerError> {
        self.streamer = key;
        self.send_head(head, None, round)
    }

    fn send_head(
        &mut self,
        head: &ResponseHead,
        size: Option<u64>,
        round: &mut Round,
    ) -> Result<(), AnswerError> {
        self.status = head.status();
        let tail = self.output.tail(&mut round.spare);
        self.http
            .send_head(head, size, Round::fields(&round.date), tail)?;
        self.sent_before = self.output.sent.saturating_add(self.output.pending());
        Ok(())
    }

    fn send(&mut self, payload: Payload, round: &mut Round) -> Result<(), AnswerError> {
        let data = payload.as_slice();
        let frame = self.http.frame_body(data.len())?;
        let tail = self.output.tail(&mut round.spare);
        tail.extend_from_slice(frame.prefix());
        if frame.take() == 0 {
            return Ok(());
        }
        if let Payload::Bytes(_) = payload {
            tail.extend_from_slice(data);
            tail.extend_from_slice(frame.suffix());
            return Ok(());
        }
        self.output.push(payload);
        if !frame.suffix().is_empty() {
            let tail = self.output.tail(&mut round.spare);
            tail.extend_from_slice(frame.suffix());
        }
        Ok(())
    }

    fn send_file(&mut self, part: FilePart, round: &mut Round) -> Result<(), AnswerError> {
        let size = usize::try_from(part.size).unwrap_or(usize::MAX);
        let frame = self.http.frame_body(size)?;
        if !frame.prefix().is_empty() {
            let tail = self.output.tail(&mut round.spare);
            tail.extend_from_slice(frame.prefix());
        }
        if frame.take() > 0 {
            self.output.push_file(part);
        }
        if !frame.suffix().is_empty() {
            let tail = self.output.tail(&mut round.spare);
            tail.extend_from_slice(frame.suffix());
        }
        Ok(())
    }

    /// The answer is complete, as far as Python is concerned.
    fn finish(&mut self, round: &mut Round) -> Result<(), AnswerError> {
        let mut last = Vec::new(); // of chunks; most bodies have none, and an empty part would be written
        self.http.finish(&mut last)?;
        if !last.is_empty() {
            let tail = self.output.tail(&mut round.spare);
            tail.extend_from_slice(&last);
        }
        self.streamer = 0;
        self.is_streamer_due = false;
        self.is_filed = false;
        self.end_body(End::Gone, round); // what still comes of it is thrown away
        if let Some(request) = self.request.take() {
            self.log(request, true, round);
        }
        match self.http.receiving() {
            Receiving::Idle => self.enter(Phase::KeepAlive, round.now),
            _ => self.since = round.now,
        }
        Ok(())
    }

    /// Sends what the socket takes, and does what follows from its having left.
    pub(crate) fn write(&mut self, round: &mut Round) -> Fate {
        let sent = match self.output.is_empty() {
            true => Sent::All,
            false => self.output.flush(&mut self.stream, &mut round.spare),
        };
        match sent {
            Sent::Broken => {
                self.http.abort();
                return self.close(round);
            }
            Sent::All => {
                if self.writing.take().is_some() && self.phase == Phase::KeepAlive {
                    self.since = round.now; // the client was not silent until now
                }
                if std::mem::take(&mut self.is_end_due) {
                    if self.finish(round).is_err() {
                        self.http.abort();
                    }
                    return self.write(round); // the end itself, if it is one that is seen
                }
            }
            Sent::Some | Sent::Enough => {
                self.writing.get_or_insert_with(|| Clock::start(round.now));
                return if sent == Sent::Some {
                    Fate::Stay
                } else {
                    Fate::Again
                };
            }
        }
        if std::mem::take(&mut self.is_streamer_due) {
            round.resume(self.streamer);
        }
        if self.http.sending() != Sending::Closed || self.phase == Phase::Linger {
            return Fate::Stay;
        }
        self.end(round)
    }

    /// All was sent, and nothing follows.
    fn end(&mut self, round: &mut Round) -> Fate {
        if self.http.is_aborted() {
            self.lose_request(round);
        }
        if self.http.must_reset() || self.is_eof {
            return self.close(round);
        }
        self.stream.end_sending();
        self.input = Vec::new();
        self.at = 0;
        self.enter(Phase::Linger, round.now);
        Fate::Stay
    }

    /// Closes the connection, such that an answer which is not whole does not look so.
    fn close(&mut self, round: &mut Round) -> Fate {
        if self.http.must_reset() {
            return self.give_up(round);
        }
        Fate::Drop
    }

    /// Breaks the connection off.
    pub(crate) fn give_up(&mut self, _round: &mut Round) -> Fate {
        self.stream.reset_on_close();
        Fate::Drop
    }

    // Telling

    pub(crate) fn log(&self, request: Arc<Request>, is_complete: bool, round: &mut Round) {
        if !round.settings.has_access_log {
            return;
        }
        let made = self.output.sent.saturating_add(self.output.pending());
        round.report.answers.push(Answered {
            duration: round.now.saturating_duration_since(request.arrived),
            status: self.status,
            body_bytes: made.saturating_sub(self.sent_before),
            is_complete,
            request,
        });
    }

    pub(crate) fn note(&self, status: u16, reason: &'static str, round: &mut Round) {
        round.report.refusals.push(Refused {
            peer: self.peer,
            status,
            reason,
        });
    }
}
