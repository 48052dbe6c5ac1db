//! How the body of an answer is delimited (RFC 9112, 6), and the bytes around each piece of it.

use crate::error::AnswerError;

/// How the body that is being sent ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyMode {
    /// There is none on the wire, whatever the application gives (HEAD, 204, 205, 304).
    Absent,
    /// After so many more bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection: HTTP/1.0 without a length.
    UntilClose,
}

/// Which answer is to be delimited.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// It answers a HEAD request.
    pub(crate) is_to_head: bool,
    /// The request's minor version.
    pub(crate) minor_version: u8,
    /// What the application says in Content-Length.
    pub(crate) content_length: Option<u64>,
    /// The body's size if all of it is there already.
    pub(crate) size: Option<u64>,
}

impl Answer {
    /// Returns how its body ends and the value of Content-Length to be sent.
    pub(crate) fn framing(self) -> (BodyMode, Option<u64>) {
        match self.status {
            // RFC 9110, 8.6: no Content-Length at all; RFC 9110, 15.3.6: 205 has no content but must end.
            204 => return (BodyMode::Absent, None),
            205 => return (BodyMode::Absent, Some(0)),
            304 => return (BodyMode::Absent, self.content_length),
            _ => {}
        }
        // To HEAD the size of what is not sent would be a guess: the body may be left out already.
        if self.is_to_head {
            return (BodyMode::Absent, self.content_length);
        }
        match self.content_length.or(self.size) {
            Some(length) => (BodyMode::Length(length), Some(length)),
            None if self.minor_version > 0 => (BodyMode::Chunked, None),
            None => (BodyMode::UntilClose, None),
        }
    }
}

/// What goes on the wire around one piece of a body: the prefix, the first `take` bytes of the piece, the
/// suffix. Nothing is copied, so a large piece can be written with `writev`, or a file's with `sendfile`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyFrame {
    prefix: [u8; 18],
    prefix_len: u8,
    take: usize,
}

impl BodyFrame {
    /// A frame without anything around the piece.
    const fn bare(take: usize) -> Self {
        Self {
            prefix: [0; 18],
            prefix_len: 0,
            take,
        }
    }

    /// A chunk of at least one byte.
    fn chunk(take: usize) -> Self {
        let mut frame = Self::bare(take);
        let digits = (usize::BITS.saturating_sub(take.leading_zeros())).div_ceil(4);
        let mut rest = take;
        for slot in frame.prefix.iter_mut().take(digits as usize).rev() {
            *slot = b"0123456789abcdef".get(rest & 15).copied().unwrap_or(b'0');
            rest >>= 4;
        }
        for (slot, byte) in frame.prefix.iter_mut().skip(digits as usize).zip(b"\r\n") {
            *slot = *byte;
        }
        frame.prefix_len = u8::try_from(digits.saturating_add(2)).unwrap_or(0);
        frame
    }

    /// What is sent before the piece.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        self.prefix
            .get(..usize::from(self.prefix_len))
            .unwrap_or_default()
    }

    /// How many of the piece's bytes are sent; the others are not part of the answer.
    #[must_use]
    pub const fn take(&self) -> usize {
        self.take
    }

    /// What is sent after the piece.
    #[must_use]
    pub const fn suffix(&self) -> &'static [u8] {
        if self.prefix_len == 0 { b"" } else { b"\r\n" }
    }
}

impl BodyMode {
    /// Counts one piece of `size` bytes and returns its frame.
    ///
    /// With [`AnswerError::BodyTooLong`] nothing of the piece may be sent.
    pub(crate) fn frame(&mut self, size: usize) -> Result<BodyFrame, AnswerError> {
        match self {
            Self::Absent => Ok(BodyFrame::bare(0)),
            Self::UntilClose => Ok(BodyFrame::bare(size)),
            // A chunk of no bytes would be the last one.
            Self::Chunked if size == 0 => Ok(BodyFrame::bare(0)),
            Self::Chunked => Ok(BodyFrame::chunk(size)),
            Self::Length(left) => {
                *left = left
                    .checked_sub(size as u64)
                    .ok_or(AnswerError::BodyTooLong)?;
                Ok(BodyFrame::bare(size))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How an answer to `GET` or `HEAD` in HTTP/1.`minor_version` ends.
    fn end(
        (method, minor_version): (&str, u8),
        status: u16,
        content_length: Option<u64>,
        size: Option<u64>,
    ) -> (BodyMode, Option<u64>) {
        let is_to_head = method == "HEAD";
        Answer {
            status,
            is_to_head,
            minor_version,
            content_length,
            size,
        }
        .framing()
    }

    #[test]
    fn each_answer_has_one_end() {
        let get = ("GET", 1);
        assert_eq!(end(get, 200, None, None), (BodyMode::Chunked, None));
        assert_eq!(end(get, 200, None, Some(0)), (BodyMode::Length(0), Some(0)));
        assert_eq!(
            end(get, 200, Some(2), Some(3)),
            (BodyMode::Length(2), Some(2))
        );
        assert_eq!(end(get, 204, Some(9), None), (BodyMode::Absent, None));
        assert_eq!(end(get, 205, None, Some(9)), (BodyMode::Absent, Some(0)));
        assert_eq!(end(get, 304, Some(9), None), (BodyMode::Absent, Some(9)));
    }

    #[test]
    fn version_1_0_knows_no_chunks() {
        assert_eq!(
            end(("GET", 0), 200, None, None),
            (BodyMode::UntilClose, None)
        );
        assert_eq!(
            end(("GET", 0), 200, None, Some(3)),
            (BodyMode::Length(3), Some(3))
        );
    }

    #[test]
    fn an_answer_to_head_has_no_body_but_its_length() {
        assert_eq!(
            end(("HEAD", 1), 200, Some(9), None),
            (BodyMode::Absent, Some(9))
        );
        assert_eq!(
            end(("HEAD", 1), 200, None, Some(0)),
            (BodyMode::Absent, None)
        );
    }

    #[test]
    fn a_chunk_has_its_size_in_hexadecimal() {
        for size in [1, 15, 16, 255, 4096, 65536, usize::MAX] {
            let frame = BodyMode::Chunked.frame(size).expect("never too long");
            assert_eq!(frame.prefix(), format!("{size:x}\r\n").as_bytes());
            assert_eq!((frame.take(), frame.suffix()), (size, &b"\r\n"[..]));
        }
        let frame = BodyMode::Chunked.frame(0).expect("never too long");
        assert_eq!(
            (frame.prefix(), frame.take(), frame.suffix()),
            (&b""[..], 0, &b""[..])
        );
    }

    #[test]
    fn a_length_is_counted_down() {
        let mut mode = BodyMode::Length(5);
        assert_eq!(mode.frame(3).map(|frame| frame.take()), Ok(3));
        assert_eq!(mode.frame(3), Err(AnswerError::BodyTooLong));
        assert_eq!(mode.frame(2).map(|frame| frame.take()), Ok(2));
        assert_eq!(mode, BodyMode::Length(0));
    }
}
