//! One connection: what is sent. Every byte that leaves is framed here or is the head's.

use crate::connection::Connection;
use crate::error::AnswerError;
use crate::framing::{Answer, BodyFrame, BodyMode};
use crate::grammar::{is_field_value, is_token};
use crate::response::{
    Refusal, ResponseHead, ServerFields, push_decimal, push_field, push_status_line,
};
use crate::state::{Receiving, Sending, Signal};

impl Connection {
    /// Whether the client waits for `100 Continue` before it sends the body.
    #[must_use]
    pub fn awaits_continue(&self) -> bool {
        self.exchange.awaits_continue
            && self.sending == Sending::Owed
            && self.receiving == Receiving::Body
    }

    /// Tells a client that waits to send the body; to be called when somebody wants to read it. Writes
    /// nothing if the client does not wait, or the answer was begun.
    ///
    /// Source: RFC 9110, 10.1.1.
    pub fn send_continue(&mut self, output: &mut Vec<u8>) {
        if self.awaits_continue() {
            self.exchange.awaits_continue = false;
            output.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
    }

    /// Whether another request can follow, as far as is known by now: what the `Connection` field of the
    /// present answer says.
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.exchange.keeps_alive && !self.is_last && self.is_body_bounded()
    }

    /// Ends the connection with the present or the next answer: for a server that is stopping.
    pub const fn close_after_answer(&mut self) {
        self.is_last = true;
    }

    /// Begins the answer.
    ///
    /// # Arguments
    ///
    /// * `head` - Status and fields.
    /// * `size` - The body's size if it is known; Content-Length is stronger.
    /// * `fields` - The server's own fields.
    /// * `output` - The bytes are appended to it.
    ///
    /// # Errors
    ///
    /// [`AnswerError::OutOfOrder`]: no answer is owed.
    pub fn send_head(
        &mut self,
        head: &ResponseHead,
        size: Option<u64>,
        fields: ServerFields<'_>,
        output: &mut Vec<u8>,
    ) -> Result<(), AnswerError> {
        if !self.signal(Signal::ResponseHead) {
            return Err(AnswerError::OutOfOrder);
        }
        let answer = Answer {
            status: head.status(),
            is_to_head: self.exchange.is_head,
            minor_version: self.exchange.minor_version,
            content_length: head.content_length(),
            size,
        };
        let (mode, length) = answer.framing();
        self.mode = mode;
        self.exchange.keeps_alive =
            self.keeps_alive() && !head.wants_close() && mode != BodyMode::UntilClose;
        head.write(fields, output);
        if let Some(length) = length {
            output.extend_from_slice(b"Content-Length: ");
            push_decimal(output, length);
            output.extend_from_slice(b"\r\n");
        } else if mode == BodyMode::Chunked {
            push_field(output, b"Transfer-Encoding", b"chunked");
        }
        if !self.exchange.keeps_alive {
            push_field(output, b"Connection", b"close");
        } else if self.exchange.minor_version == 0 {
            push_field(output, b"Connection", b"keep-alive");
        }
        output.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Counts a piece of the body and returns what goes around it, for a caller that writes it itself.
    ///
    /// # Errors
    ///
    /// [`AnswerError::BodyTooLong`]: none of the piece may be sent, and the connection is to be broken off.
    /// [`AnswerError::OutOfOrder`]: the answer was not begun, or is complete.
    pub fn frame_body(&mut self, size: usize) -> Result<BodyFrame, AnswerError> {
        if self.sending != Sending::Body {
            return Err(AnswerError::OutOfOrder);
        }
        self.mode.frame(size).inspect_err(|_| self.abort())
    }

    /// Sends a piece of the body; what the kind of answer does not allow (HEAD, 204, 304) is left out.
    ///
    /// # Errors
    ///
    /// As [`frame_body`](Self::frame_body).
    pub fn send_body(&mut self, data: &[u8], output: &mut Vec<u8>) -> Result<(), AnswerError> {
        let frame = self.frame_body(data.len())?;
        output.extend_from_slice(frame.prefix());
        output.extend_from_slice(data.get(..frame.take()).unwrap_or_default());
        output.extend_from_slice(frame.suffix());
        Ok(())
    }

    /// Whether no body is sent, whatever is given to `send_body`: there is no need to make one.
    #[must_use]
    pub fn is_body_absent(&self) -> bool {
        self.sending == Sending::Body && self.mode == BodyMode::Absent
    }

    /// Ends the answer.
    ///
    /// # Errors
    ///
    /// [`AnswerError::BodyTooShort`]: fewer bytes were sent than promised, and the connection is to be broken
    /// off. [`AnswerError::OutOfOrder`]: the answer was not begun, or is complete.
    pub fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), AnswerError> {
        if self.sending != Sending::Body {
            return Err(AnswerError::OutOfOrder);
        }
        match self.mode {
            BodyMode::Length(1..) => {
                self.abort();
                return Err(AnswerError::BodyTooShort);
            }
            BodyMode::Chunked => output.extend_from_slice(b"0\r\n\r\n"),
            BodyMode::Absent | BodyMode::Length(0) | BodyMode::UntilClose => {}
        }
        // A graceful stop may have begun since the head promised to go on; closing is allowed all the same.
        self.exchange.keeps_alive &= !self.is_last;
        self.signal(Signal::ResponseEnd);
        self.settle();
        Ok(())
    }

    /// Sends an answer of the server itself, if none was begun, and ends the connection: a refused request
    /// ([`Refusal::from`] an error), a time-out, an overload.
    ///
    /// Returns whether anything was written; if an answer was under way, it is broken off.
    pub fn refuse(
        &mut self,
        refusal: Refusal,
        fields: ServerFields<'_>,
        output: &mut Vec<u8>,
    ) -> bool {
        let is_possible = matches!(self.sending, Sending::Idle | Sending::Owed);
        if is_possible {
            refusal.write(
                fields,
                self.exchange.is_head && self.sending == Sending::Owed,
                output,
            );
            self.signal(Signal::Stop);
        } else if self.sending == Sending::Body {
            self.abort();
        }
        is_possible
    }

    /// Ends the connection although the answer is not complete. Its client finds that out by its framing, or
    /// by a reset: see [`must_reset`](Self::must_reset).
    pub fn abort(&mut self) {
        self.is_aborted |= matches!(self.sending, Sending::Owed | Sending::Body);
        self.signal(Signal::Stop);
    }

    /// Whether an answer was broken off.
    #[must_use]
    pub const fn is_aborted(&self) -> bool {
        self.is_aborted
    }

    /// Whether only a reset, once what was written has left, shows the client that the answer is not whole:
    /// nothing but the end of the connection marks its end.
    #[must_use]
    pub fn must_reset(&self) -> bool {
        self.is_aborted && self.mode == BodyMode::UntilClose
    }

    /// Accepts the client's offer to speak another protocol; the next byte on both sides is that protocol's.
    ///
    /// # Arguments
    ///
    /// * `protocol` - The value of `Upgrade`.
    /// * `fields` - Further fields, e.g. `Sec-WebSocket-Accept`.
    ///
    /// # Errors
    ///
    /// [`AnswerError::OutOfOrder`]: the client did not offer it, or its request is not complete.
    /// [`AnswerError::Name`], [`AnswerError::Value`]: nothing was written.
    ///
    /// Source: RFC 9110, 7.8.
    pub fn accept_upgrade(
        &mut self,
        protocol: &[u8],
        fields: &[(&[u8], &[u8])],
        output: &mut Vec<u8>,
    ) -> Result<(), AnswerError> {
        if fields.iter().any(|(name, _)| !is_token(name)) {
            return Err(AnswerError::Name);
        }
        if !is_field_value(protocol) || fields.iter().any(|(_, value)| !is_field_value(value)) {
            return Err(AnswerError::Value);
        }
        if !self.exchange.is_upgrade || !self.signal(Signal::Switch) {
            return Err(AnswerError::OutOfOrder);
        }
        push_status_line(output, 101, b"");
        push_field(output, b"Connection", b"Upgrade");
        push_field(output, b"Upgrade", protocol);
        for (name, value) in fields {
            push_field(output, name, value);
        }
        output.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Whether what is left of the request's body can be thrown away if nobody reads it.
    fn is_body_bounded(&self) -> bool {
        match self.receiving {
            Receiving::Done => true,
            // A client that still waits may send the body or may not: nobody knows what comes next.
            Receiving::Body => {
                !self.exchange.awaits_continue
                    && self.body.known_rest() <= self.limits.max_drain_bytes
            }
            _ => false,
        }
    }
}
