//! What is said before a body: the application's head, checked once, and the server's own short answers.

use crate::error::{AnswerError, ErrorKind};
use crate::grammar::{is_field_value, is_token, parse_decimal, trim};
use crate::status::reason_phrase;

/// The fields that the server adds where the application did not set them.
#[derive(Debug, Clone, Copy)]
pub struct ServerFields<'a> {
    /// The value of `Server`.
    pub server: &'a [u8],
    /// The value of `Date`, as [`http_date`](crate::http_date) makes it.
    pub date: &'a [u8],
}

/// Status and fields of an answer, in the form they are sent in.
///
/// This is the border: names and values are checked here, once, wherever it is built, and are bytes from
/// then on. What belongs to the connection is not taken from the application (RFC 9110, 7.6.1).
#[derive(Debug, Clone, Default)]
pub struct ResponseHead {
    status: u16,
    lines: Vec<u8>,
    content_length: Option<u64>,
    wants_close: bool,
    has_server: bool,
    has_date: bool,
}

impl ResponseHead {
    /// Begins a head.
    ///
    /// # Arguments
    ///
    /// * `status` - 200 to 999; interim answers are the server's to send.
    /// * `reason` - The phrase beside it; the registered one if it is empty.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Status`], [`AnswerError::Reason`].
    pub fn new(status: u16, reason: &[u8]) -> Result<Self, AnswerError> {
        let mut head = Self {
            lines: Vec::with_capacity(256),
            ..Self::default()
        };
        head.restart(status, reason)?;
        Ok(head)
    }

    /// Begins another head and keeps the memory; arguments and errors are those of [`new`](Self::new).
    ///
    /// # Errors
    ///
    /// As `new`.
    pub fn restart(&mut self, status: u16, reason: &[u8]) -> Result<(), AnswerError> {
        if !(200..=999).contains(&status) {
            return Err(AnswerError::Status);
        }
        if !is_field_value(reason) {
            return Err(AnswerError::Reason);
        }
        let mut lines = std::mem::take(&mut self.lines);
        lines.clear();
        push_status_line(&mut lines, status, reason);
        *self = Self {
            status,
            lines,
            ..Self::default()
        };
        Ok(())
    }

    /// Adds a field.
    ///
    /// Content-Length is kept as a number. `Connection` and `Keep-Alive` are dropped, but `Connection: close`
    /// is honoured.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Name`], [`AnswerError::Value`], [`AnswerError::HopByHop`],
    /// [`AnswerError::ContentLength`]; the head is as it was.
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), AnswerError> {
        if !is_token(name) {
            return Err(AnswerError::Name);
        }
        if !is_field_value(value) {
            return Err(AnswerError::Value);
        }
        if self.take_special(name, value)? {
            return Ok(());
        }
        self.lines.extend_from_slice(name);
        self.lines.extend_from_slice(b": ");
        self.lines.extend_from_slice(value);
        self.lines.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// Notes a field that means something to the server; true if it is not to be sent as it is.
    fn take_special(&mut self, name: &[u8], value: &[u8]) -> Result<bool, AnswerError> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is(b"date") => self.has_date = true,
            6 if is(b"server") => self.has_server = true,
            10 if is(b"connection") => {
                self.wants_close |= value
                    .split(|byte| *byte == b',')
                    .any(|part| trim(part).eq_ignore_ascii_case(b"close"));
                return Ok(true);
            }
            10 if is(b"keep-alive") => return Ok(true),
            14 if is(b"content-length") => {
                let length = parse_decimal(value).ok_or(AnswerError::ContentLength)?;
                if self.content_length.is_some_and(|first| first != length) {
                    return Err(AnswerError::ContentLength);
                }
                self.content_length = Some(length);
                return Ok(true);
            }
            2 if is(b"te") => return Err(AnswerError::HopByHop),
            7 if is(b"trailer") || is(b"upgrade") => return Err(AnswerError::HopByHop),
            8 if is(b"trailers") => return Err(AnswerError::HopByHop),
            17 if is(b"transfer-encoding") => return Err(AnswerError::HopByHop),
            18 if is(b"proxy-authenticate") => return Err(AnswerError::HopByHop),
            19 if is(b"proxy-authorization") => return Err(AnswerError::HopByHop),
            _ => {}
        }
        Ok(false)
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// What the application says in Content-Length.
    #[must_use]
    pub const fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    /// Has the length be found out from the body that is sent.
    pub const fn forget_content_length(&mut self) {
        self.content_length = None;
    }

    /// Whether the application wants the connection to be closed.
    #[must_use]
    pub const fn wants_close(&self) -> bool {
        self.wants_close
    }

    /// Writes status line and fields, then those of the server's that are missing.
    pub(crate) fn write(&self, fields: ServerFields<'_>, output: &mut Vec<u8>) {
        output.extend_from_slice(&self.lines);
        if !self.has_server {
            push_field(output, b"Server", fields.server);
        }
        if !self.has_date {
            push_field(output, b"Date", fields.date);
        }
    }
}

/// A short answer of the server itself, after which the connection closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// What is wrong, in a few words of our own, never of the client's.
    pub text: &'static str,
    /// The seconds after which the client may come again.
    pub retry_after_seconds: Option<u32>,
}

impl Refusal {
    /// Makes one without a Retry-After field.
    #[must_use]
    pub const fn new(status: u16, text: &'static str) -> Self {
        Self {
            status,
            text,
            retry_after_seconds: None,
        }
    }

    /// Writes the whole answer, without its body if a HEAD request is answered.
    pub(crate) fn write(&self, fields: ServerFields<'_>, is_to_head: bool, output: &mut Vec<u8>) {
        let phrase = reason_phrase(self.status);
        let body = format!("{} {phrase}: {}\n", self.status, self.text);
        push_status_line(output, self.status, b"");
        push_field(output, b"Server", fields.server);
        push_field(output, b"Date", fields.date);
        push_field(output, b"Content-Type", b"text/plain; charset=utf-8");
        push_field(output, b"Content-Length", body.len().to_string().as_bytes());
        if let Some(seconds) = self.retry_after_seconds {
            push_field(output, b"Retry-After", seconds.to_string().as_bytes());
        }
        output.extend_from_slice(b"Connection: close\r\n\r\n");
        if !is_to_head {
            output.extend_from_slice(body.as_bytes());
        }
    }
}

impl From<ErrorKind> for Refusal {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind.status(), kind.text())
    }
}

/// Writes a status line; an empty reason becomes the registered phrase.
pub(crate) fn push_status_line(output: &mut Vec<u8>, status: u16, reason: &[u8]) {
    output.extend_from_slice(b"HTTP/1.1 ");
    push_decimal(output, u64::from(status));
    output.push(b' '); // it stands there even without a phrase (RFC 9112, 4)
    output.extend_from_slice(if reason.is_empty() {
        reason_phrase(status).as_bytes()
    } else {
        reason
    });
    output.extend_from_slice(b"\r\n");
}

/// Writes a field that is known to be good.
pub(crate) fn push_field(output: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    output.extend_from_slice(name);
    output.extend_from_slice(b": ");
    output.extend_from_slice(value);
    output.extend_from_slice(b"\r\n");
}

/// Writes a number without asking the heap for memory.
pub(crate) fn push_decimal(output: &mut Vec<u8>, number: u64) {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut used = 0usize;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' | u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        used = used.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    output.extend_from_slice(
        digits
            .get(digits.len().saturating_sub(used)..)
            .unwrap_or_default(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: ServerFields<'_> = ServerFields {
        server: b"s",
        date: b"d",
    };

    fn written(head: &ResponseHead) -> String {
        let mut output = Vec::new();
        head.write(FIELDS, &mut output);
        String::from_utf8(output).expect("ASCII")
    }

    #[test]
    fn a_head_is_written_as_it_was_given() {
        let mut head = ResponseHead::new(200, b"Fine").expect("good");
        head.push(b"X-A", b"1").expect("good");
        head.push(b"content-length", b"05").expect("good");
        head.push(b"Connection", b"upgrade, Close").expect("good");
        assert_eq!(
            written(&head),
            "HTTP/1.1 200 Fine\r\nX-A: 1\r\nServer: s\r\nDate: d\r\n"
        );
        assert_eq!(
            (head.content_length(), head.wants_close(), head.status()),
            (Some(5), true, 200)
        );
        head.restart(404, b"").expect("good");
        head.push(b"date", b"x").expect("good");
        head.push(b"SERVER", b"").expect("good");
        assert_eq!(
            written(&head),
            "HTTP/1.1 404 Not Found\r\ndate: x\r\nSERVER: \r\n"
        );
        assert_eq!((head.content_length(), head.wants_close()), (None, false));
    }

    #[test]
    fn nothing_breaks_out_of_a_line() {
        let mut head = ResponseHead::new(200, b"").expect("good");
        for (name, value, error) in [
            (&b"X\r\nY"[..], &b"1"[..], AnswerError::Name),
            (b"", b"1", AnswerError::Name),
            (b"X:", b"1", AnswerError::Name),
            (b"X Y", b"1", AnswerError::Name),
            (b"\xff", b"1", AnswerError::Name),
            (b"X", b"1\r\nY: 2", AnswerError::Value),
            (b"X", b"1\n", AnswerError::Value),
            (b"X", b"\0", AnswerError::Value),
            (b"Transfer-Encoding", b"chunked", AnswerError::HopByHop),
            (b"upgrade", b"h2c", AnswerError::HopByHop),
            (b"Content-Length", b"+1", AnswerError::ContentLength),
        ] {
            assert_eq!(
                head.push(name, value),
                Err(error),
                "{}",
                name.escape_ascii()
            );
        }
        head.push(b"Content-Length", b"1").expect("good");
        head.push(b"Content-Length", b"1").expect("equal");
        assert_eq!(
            head.push(b"Content-Length", b"2"),
            Err(AnswerError::ContentLength)
        );
        assert_eq!(
            written(&head),
            "HTTP/1.1 200 OK\r\nServer: s\r\nDate: d\r\n"
        );
        assert_eq!(
            ResponseHead::new(200, b"a\r\nX: y").err(),
            Some(AnswerError::Reason)
        );
        for status in [0, 100, 101, 199, 1000] {
            assert_eq!(
                ResponseHead::new(status, b"").err(),
                Some(AnswerError::Status)
            );
        }
    }

    #[test]
    fn a_refusal_is_a_whole_answer() {
        let mut output = Vec::new();
        let refusal = Refusal {
            retry_after_seconds: Some(2),
            ..Refusal::new(503, "busy")
        };
        refusal.write(FIELDS, false, &mut output);
        let text = String::from_utf8(output).expect("ASCII");
        assert_eq!(
            text,
            "HTTP/1.1 503 Service Unavailable\r\nServer: s\r\nDate: d\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: 30\r\nRetry-After: 2\r\nConnection: close\r\n\r\n503 Service Unavailable: busy\n"
        );
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 10, 65535, u64::MAX] {
            let mut output = Vec::new();
            push_decimal(&mut output, number);
            assert_eq!(output, number.to_string().as_bytes());
        }
    }
}
