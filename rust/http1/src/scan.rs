//! From bytes to one head: finds its end, bounds its size, has httparse read it.
//!
//! The scan goes over each byte once however the head arrives, and what it refuses depends on the bytes
//! alone, never on how they were split: an error is found at the first byte that proves it, and errors of
//! the request line come before those of later lines.

use std::mem::MaybeUninit;

use httparse::{Error as ParseError, Request, Status};
use memchr::memchr;

use crate::error::ErrorKind;
use crate::fields::Meaning;
use crate::head::{Field, RequestHead, Span};
use crate::limits::Limits;
use crate::target;

/// Method, two spaces and version beside the target, in the longest request line that is waited for.
const REQUEST_LINE_SLACK: usize = 64;
/// A space and `HTTP/1.1`.
const VERSION_BYTES: usize = 9;
/// Up to this many field lines are read without memory from the heap.
const STACK_FIELDS: usize = 100;

/// How far one head was looked at.
#[derive(Debug, Default)]
pub(crate) struct HeadScan {
    /// No line end before this offset is unknown.
    scanned: usize,
    /// Where the line begins that is not complete.
    line_start: usize,
    /// Complete lines.
    lines: usize,
    /// Offset after the request line, once it is complete.
    first_line_end: usize,
    /// The request line was found good up to this offset.
    checked: usize,
    /// The empty line that may stand before a request was skipped.
    is_blank_skipped: bool,
}

impl HeadScan {
    /// Returns the size of an empty line to skip before a request: one is ignored (RFC 9112, 2.2), a second
    /// one is not.
    pub(crate) fn skip_blank(&mut self, input: &[u8]) -> usize {
        if self.is_blank_skipped || !input.starts_with(b"\r\n") {
            return 0;
        }
        *self = Self {
            is_blank_skipped: true,
            ..Self::default()
        };
        2
    }

    /// Whether nothing of a head was seen.
    pub(crate) const fn is_fresh(&self) -> bool {
        self.scanned == 0
    }

    /// Reads one head from the front of the input.
    ///
    /// # Arguments
    ///
    /// * `input` - All that has arrived and was not consumed. As long as `None` comes back, the next call
    ///   must bring the same bytes again, and more of them.
    /// * `head` - Filled if the head is complete.
    ///
    /// Returns the head's size in bytes, or `None` if it is not complete.
    pub(crate) fn read(
        &mut self,
        input: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<Option<usize>, ErrorKind> {
        match self.find_end(input, limits) {
            Ok(Some(end)) => {
                parse(input.get(..end).unwrap_or_default(), limits, head)?;
                *self = Self::default();
                Ok(Some(end))
            }
            // What the request line proves is said at once, and before what a later line proves.
            Ok(None) => self.check_request_line(input, limits).map(|()| None),
            Err(kind) => self.check_request_line(input, limits).and(Err(kind)),
        }
    }

    /// Returns the offset after the empty line that ends the head.
    fn find_end(&mut self, input: &[u8], limits: &Limits) -> Result<Option<usize>, ErrorKind> {
        let window = input.get(..limits.max_head_bytes).unwrap_or(input);
        while let Some(offset) = memchr(b'\n', window.get(self.scanned..).unwrap_or_default()) {
            let line_feed = self.scanned.saturating_add(offset);
            let line = window.get(self.line_start..line_feed).unwrap_or_default();
            self.check_line_size(line.len(), limits)?;
            let [text @ .., b'\r'] = line else {
                return Err(ErrorKind::BareLineFeed);
            };
            self.scanned = line_feed.saturating_add(1);
            self.line_start = self.scanned;
            if self.lines == 0 {
                // One empty line before a request is the caller's to skip; httparse would skip more.
                if text.is_empty() {
                    return Err(ErrorKind::RequestLine);
                }
                self.first_line_end = self.scanned;
            } else if text.is_empty() {
                return Ok(Some(self.scanned));
            } else if self.lines > limits.max_fields {
                return Err(ErrorKind::TooManyFields);
            }
            self.lines = self.lines.saturating_add(1);
        }
        self.scanned = window.len();
        self.check_line_size(window.len().saturating_sub(self.line_start), limits)?;
        if input.len() >= limits.max_head_bytes {
            Err(ErrorKind::HeadTooLarge)
        } else {
            Ok(None)
        }
    }

    /// Refuses a line as soon as it is too long; its size includes its CR.
    fn check_line_size(&self, size: usize, limits: &Limits) -> Result<(), ErrorKind> {
        if self.lines == 0 {
            let max = limits.max_target_bytes.saturating_add(REQUEST_LINE_SLACK);
            return if size > max {
                Err(ErrorKind::TargetTooLong)
            } else {
                Ok(())
            };
        }
        if size > limits.max_field_bytes.saturating_add(1) {
            Err(ErrorKind::HeadTooLarge)
        } else {
            Ok(())
        }
    }

    /// Checks the request line once it is complete, and before that that it is text at all: who speaks TLS
    /// to a plain port shall not wait for a time-out.
    fn check_request_line(&mut self, input: &[u8], limits: &Limits) -> Result<(), ErrorKind> {
        if self.first_line_end == 0 {
            let max = limits.max_target_bytes.saturating_add(REQUEST_LINE_SLACK);
            let line = input.get(..max.min(limits.max_head_bytes)).unwrap_or(input);
            let fresh = line.get(self.checked..).unwrap_or_default();
            self.checked = line.len().saturating_sub(1); // the last byte may be a CR before its LF
            return check_text(fresh);
        }
        if self.checked < self.first_line_end {
            self.checked = self.first_line_end;
            let line = input.get(..self.first_line_end).unwrap_or_default();
            let mut request = Request::new(&mut []);
            let result = request.parse(line);
            read_request_line(
                line,
                &request,
                result.err(),
                limits,
                &mut RequestHead::default(),
            )?;
        }
        Ok(())
    }
}

/// Refuses control characters in a request line that is not complete, up to its LF if it has a bare one; a
/// CR may be the last byte.
fn check_text(bytes: &[u8]) -> Result<(), ErrorKind> {
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.iter().any(u8::is_ascii_control) {
        Err(ErrorKind::RequestLine)
    } else {
        Ok(())
    }
}

/// Parses a complete head with the empty line at its end.
fn parse(block: &[u8], limits: &Limits, head: &mut RequestHead) -> Result<(), ErrorKind> {
    let mut request = Request::new(&mut []);
    let mut on_stack = [const { MaybeUninit::uninit() }; STACK_FIELDS];
    let mut on_heap = Vec::new();
    let slots = if limits.max_fields <= STACK_FIELDS {
        &mut on_stack[..]
    } else {
        on_heap.resize_with(limits.max_fields, MaybeUninit::uninit);
        &mut on_heap[..]
    };
    let result = request.parse_with_uninit_headers(block, slots);
    head.clear();
    read_request_line(block, &request, result.err(), limits, head)?;
    match result {
        Ok(Status::Complete(size)) if size == block.len() => {}
        Err(ParseError::TooManyHeaders) => return Err(ErrorKind::TooManyFields),
        _ => return Err(ErrorKind::FieldSyntax),
    }
    let mut meaning = Meaning::default();
    for header in request.headers.iter() {
        let name = header.name.as_bytes();
        if meaning.note(name, header.value)? {
            let field = Field {
                name: Span::within(block, name),
                value: Span::within(block, header.value),
            };
            head.fields.push(field);
        }
    }
    meaning.apply(block, limits, head)
}

/// Takes over what httparse read of a request line, or tells what is wrong with it.
///
/// # Arguments
///
/// * `error` - httparse's error, which may as well belong to a later line.
fn read_request_line(
    block: &[u8],
    request: &Request<'_, '_>,
    error: Option<ParseError>,
    limits: &Limits,
    head: &mut RequestHead,
) -> Result<(), ErrorKind> {
    let (Some(method), Some(path), Some(minor_version)) =
        (request.method, request.path, request.version)
    else {
        let is_version = error == Some(ParseError::Version) && names_a_version(block);
        return Err(if is_version {
            ErrorKind::Version
        } else {
            ErrorKind::RequestLine
        });
    };
    head.method = Span::within(block, method.as_bytes());
    head.target = Span::within(block, path.as_bytes());
    // httparse finds what follows the version only with the next line.
    let version_end = head.target.end().saturating_add(VERSION_BYTES);
    if !block
        .get(version_end..)
        .unwrap_or_default()
        .starts_with(b"\r\n")
    {
        return Err(ErrorKind::RequestLine);
    }
    if path.len() > limits.max_target_bytes {
        return Err(ErrorKind::TargetTooLong);
    }
    let target = target::cut(method.as_bytes(), path.as_bytes(), head.target.start())?;
    head.host = target.host;
    head.path = target.path;
    head.query = target.query;
    head.minor_version = minor_version;
    Ok(())
}

/// Tells whether the first line is a request line but for a version that is not served.
fn names_a_version(block: &[u8]) -> bool {
    let line = block
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or_default();
    let version = line
        .splitn(3, |byte| *byte == b' ')
        .nth(2)
        .unwrap_or_default();
    let [b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = version else {
        return false;
    };
    major.is_ascii_digit() && minor.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a head whole; its size, or the error.
    fn read(input: &[u8]) -> Result<Option<usize>, ErrorKind> {
        HeadScan::default().read(input, &Limits::default(), &mut RequestHead::default())
    }

    #[test]
    fn a_head_ends_with_its_empty_line() {
        assert_eq!(read(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET"), Ok(Some(27)));
        assert_eq!(read(b"GET / HTTP/1.0\r\n\r\n"), Ok(Some(18)));
        assert_eq!(read(b"GET / HTTP/1.1\r\nHost: a\r\n\r"), Ok(None));
    }

    #[test]
    fn an_unfinished_line_is_refused_where_it_cannot_become_good() {
        assert_eq!(read(b"\x16\x03\x01\0\xa5"), Err(ErrorKind::RequestLine));
        assert_eq!(read(b"GET /echo\r"), Ok(None));
        assert_eq!(read(b"GET /echo\r\n"), Err(ErrorKind::RequestLine));
        assert_eq!(
            read(b"SSH-2.0-OpenSSH_9.6\r\n"),
            Err(ErrorKind::RequestLine)
        );
        assert_eq!(read(b"PRI * HTTP/2.0\r\n"), Err(ErrorKind::Version));
    }

    #[test]
    fn an_error_of_the_request_line_comes_first() {
        assert_eq!(
            read(b"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n"),
            Err(ErrorKind::BareLineFeed)
        );
        assert_eq!(
            read(b"GET * HTTP/1.1\r\nA: b\nC: d\r\n\r\n"),
            Err(ErrorKind::TargetForm)
        );
        assert_eq!(
            read(b"GET / HTTP/1.2\r\nA B: c\r\n\r\n"),
            Err(ErrorKind::Version)
        );
    }

    #[test]
    fn sizes_are_exact() {
        let limits = Limits {
            max_head_bytes: 200,
            max_field_bytes: 40,
            max_target_bytes: 30,
            max_fields: 3,
            ..Limits::default()
        };
        let read = |text: String| {
            HeadScan::default().read(text.as_bytes(), &limits, &mut RequestHead::default())
        };
        let head = |target: usize, field: usize, fields: usize| {
            format!(
                "GET /{} HTTP/1.0\r\n{}\r\n",
                "t".repeat(target - 1),
                format!("X:{}\r\n", "v".repeat(field - 2)).repeat(fields)
            )
        };
        assert!(read(head(30, 40, 3)).is_ok_and(|size| size.is_some()));
        assert_eq!(read(head(31, 10, 1)), Err(ErrorKind::TargetTooLong));
        assert_eq!(read(head(200, 10, 1)), Err(ErrorKind::TargetTooLong));
        assert_eq!(read(head(10, 41, 1)), Err(ErrorKind::HeadTooLarge));
        assert_eq!(read(head(10, 10, 4)), Err(ErrorKind::TooManyFields));
        assert_eq!(
            read(format!("GET / HTTP/1.1\r\nX: {}", "v".repeat(200))),
            Err(ErrorKind::HeadTooLarge)
        );
        let limits = Limits {
            max_fields: 300,
            ..Limits::default()
        };
        let text = head(10, 10, 300);
        assert!(
            HeadScan::default()
                .read(text.as_bytes(), &limits, &mut RequestHead::default())
                .is_ok_and(|size| size.is_some())
        );
    }
}
