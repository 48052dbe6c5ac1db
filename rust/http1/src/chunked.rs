//! The chunked transfer coding (RFC 9112, 7.1), byte by byte, as a table.
//!
//! Data goes through untouched; sizes, extensions and trailers are checked, bounded and dropped. No trailer
//! ever becomes a header, and nothing but the last empty line is an end.

use crate::body::Piece;
use crate::error::ErrorKind;
use crate::grammar::{is_token_byte, is_value_byte};
use crate::limits::Limits;

/// However many of them are zeros (RFC 9112, 7.1: "anticipate potentially large hexadecimal numerals").
const MAX_SIZE_DIGITS: u8 = 16;

/// What stands next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// A digit of a size, or what follows it.
    Size,
    /// White space before an extension.
    Space,
    /// An extension.
    Extension,
    /// The LF of a size line.
    SizeLf,
    /// A chunk's data.
    Data,
    /// The CR after the data.
    DataCr,
    /// The LF after the data.
    DataLf,
    /// A trailer field or the empty line.
    TrailerStart,
    /// A trailer field's name.
    TrailerName,
    /// A trailer field's value.
    TrailerValue,
    /// The LF of a trailer field.
    TrailerLf,
    /// The LF of the empty line.
    EndLf,
    /// Nothing: the body is complete.
    End,
}

/// Reads one body in chunks.
#[derive(Debug)]
pub(crate) struct ChunkDecoder {
    state: State,
    digits: u8,
    /// The size that is being read; then what is left of the chunk.
    left: u64,
    allowed: u64,
    extensions_left: u32,
    trailers_left: u32,
}

impl ChunkDecoder {
    /// Makes a decoder for one body.
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self {
            state: State::Size,
            digits: 0,
            left: 0,
            allowed: limits.max_body_bytes,
            extensions_left: limits.max_extension_bytes,
            trailers_left: limits.max_trailer_bytes,
        }
    }

    /// Bytes of the body that are known to come.
    pub(crate) fn known_rest(&self) -> u64 {
        if self.state == State::Data {
            self.left
        } else {
            0
        }
    }

    /// Takes what comes next; the first number is how much of the input that was.
    pub(crate) fn read<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Piece<'a>), ErrorKind> {
        for (at, byte) in input.iter().enumerate() {
            if self.state == State::Data {
                let data = input.get(at..).unwrap_or_default();
                let size = usize::try_from(self.left)
                    .unwrap_or(usize::MAX)
                    .min(data.len());
                self.left = self.left.saturating_sub(size as u64);
                if self.left == 0 {
                    self.state = State::DataCr;
                }
                return Ok((
                    at.saturating_add(size),
                    Piece::Data(data.get(..size).unwrap_or_default()),
                ));
            }
            self.state = self.step(*byte)?;
            if self.state == State::End {
                return Ok((at.saturating_add(1), Piece::End));
            }
        }
        let piece = if self.state == State::End {
            Piece::End
        } else {
            Piece::NeedData
        };
        Ok((input.len(), piece))
    }

    /// The table: the state after a byte that is not data.
    fn step(&mut self, byte: u8) -> Result<State, ErrorKind> {
        #[rustfmt::skip] // the columns are the table
        #[allow(clippy::match_same_arms)] // a row for each byte that may follow
        let next = match (self.state, byte) {
            (State::Size,         b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.add_digit(byte)?,
            (State::Size,         b'\r')        if self.digits > 0         => State::SizeLf,
            (State::Size,         b' ' | b'\t') if self.digits > 0         => self.count_extension(State::Space)?,
            (State::Size,         b';')         if self.digits > 0         => self.count_extension(State::Extension)?,
            (State::Space,        b' ' | b'\t')                            => self.count_extension(State::Space)?,
            (State::Space,        b';')                                    => self.count_extension(State::Extension)?,
            (State::Extension,    b'\r')                                   => State::SizeLf,
            (State::Extension,    _) if is_value_byte(byte)                => self.count_extension(State::Extension)?,
            (State::SizeLf,       b'\n')                                   => self.begin_chunk()?,
            (State::DataCr,       b'\r')                                   => State::DataLf,
            (State::DataLf,       b'\n')                                   => State::Size,
            (State::TrailerStart, b'\r')                                   => State::EndLf,
            (State::TrailerStart, _) if is_token_byte(byte)                 => self.count_trailer(State::TrailerName)?,
            (State::TrailerName,  b':')                                    => self.count_trailer(State::TrailerValue)?,
            (State::TrailerName,  _) if is_token_byte(byte)                 => self.count_trailer(State::TrailerName)?,
            (State::TrailerValue, b'\r')                                   => State::TrailerLf,
            (State::TrailerValue, _) if is_value_byte(byte)                => self.count_trailer(State::TrailerValue)?,
            (State::TrailerLf,    b'\n')                                   => State::TrailerStart,
            (State::EndLf,        b'\n')                                   => State::End,
            (State::DataCr | State::DataLf, _)                             => return Err(ErrorKind::ChunkEnd),
            (State::Size | State::Space | State::Extension | State::SizeLf, _) => return Err(ErrorKind::ChunkSize),
            _                                                              => return Err(ErrorKind::Trailer),
        };
        Ok(next)
    }

    fn add_digit(&mut self, byte: u8) -> Result<State, ErrorKind> {
        if self.digits >= MAX_SIZE_DIGITS {
            return Err(ErrorKind::ChunkSize);
        }
        self.digits = self.digits.saturating_add(1);
        let digit = char::from(byte).to_digit(16).unwrap_or_default();
        self.left = self.left << 4 | u64::from(digit); // 16 digits of four bits
        Ok(State::Size)
    }

    fn begin_chunk(&mut self) -> Result<State, ErrorKind> {
        self.digits = 0;
        self.allowed = self
            .allowed
            .checked_sub(self.left)
            .ok_or(ErrorKind::BodyTooLarge)?;
        Ok(if self.left == 0 {
            State::TrailerStart
        } else {
            State::Data
        })
    }

    fn count_extension(&mut self, next: State) -> Result<State, ErrorKind> {
        self.extensions_left = self
            .extensions_left
            .checked_sub(1)
            .ok_or(ErrorKind::ExtensionsTooLarge)?;
        Ok(next)
    }

    fn count_trailer(&mut self, next: State) -> Result<State, ErrorKind> {
        self.trailers_left = self
            .trailers_left
            .checked_sub(1)
            .ok_or(ErrorKind::TrailersTooLarge)?;
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes a body whole: the data and what is left of the input, or the error.
    fn decode(input: &[u8]) -> Result<(Vec<u8>, &[u8]), Option<ErrorKind>> {
        let limits = Limits {
            max_body_bytes: 1000,
            max_extension_bytes: 10,
            max_trailer_bytes: 20,
            ..Limits::default()
        };
        let mut decoder = ChunkDecoder::new(&limits);
        let (mut data, mut rest) = (Vec::new(), input);
        loop {
            let (size, piece) = decoder.read(rest).map_err(Some)?;
            rest = rest.get(size..).expect("no more than there is");
            match piece {
                Piece::Data(piece) => data.extend_from_slice(piece),
                Piece::End => return Ok((data, rest)),
                Piece::NeedData => return Err(None),
            }
        }
    }

    #[test]
    fn chunks_are_joined_and_what_follows_is_left() {
        assert_eq!(
            decode(b"5\r\nhello\r\n0\r\n\r\nGET"),
            Ok((b"hello".to_vec(), &b"GET"[..]))
        );
        assert_eq!(
            decode(b"0000A\r\n0123456789\r\n000\r\n\r\n"),
            Ok((b"0123456789".to_vec(), &b""[..]))
        );
        assert_eq!(
            decode(b"1;a=\"b\"\r\nx\r\n0 ;c\r\n\r\n"),
            Ok((b"x".to_vec(), &b""[..]))
        );
        assert_eq!(
            decode(b"0\r\nX: \xff\r\nY:\r\n\r\n"),
            Ok((Vec::new(), &b""[..]))
        );
    }

    #[test]
    fn a_body_that_is_cut_short_does_not_end() {
        let whole = b"5\r\nhello\r\n0\r\nX: y\r\n\r\n";
        for size in 0..whole.len() {
            assert_eq!(decode(&whole[..size]), Err(None), "{size}");
        }
    }

    #[test]
    fn malformed_framing_is_refused() {
        for (input, kind) in [
            (&b"+5\r\n"[..], ErrorKind::ChunkSize),
            (b"0x5\r\n", ErrorKind::ChunkSize),
            (b" 5\r\n", ErrorKind::ChunkSize),
            (b"5 \r\n", ErrorKind::ChunkSize),
            (b"5 a\r\n", ErrorKind::ChunkSize),
            (b"\r\n5\r\n", ErrorKind::ChunkSize),
            (b";a\r\n", ErrorKind::ChunkSize),
            (b"5\nhello", ErrorKind::ChunkSize),
            (b"5\r\rhello", ErrorKind::ChunkSize),
            (b"5;a\nhello", ErrorKind::ChunkSize),
            (b"5;a\0\r\n", ErrorKind::ChunkSize),
            (b"00000000000000005\r\n", ErrorKind::ChunkSize),
            (b"ffffffffffffffff\r\n", ErrorKind::BodyTooLarge),
            (b"3e9\r\n", ErrorKind::BodyTooLarge),
            (b"1;aaaaaaaaaa\r\n", ErrorKind::ExtensionsTooLarge),
            (b"1;aaaa\r\nx\r\n1;aaaaa\r\n", ErrorKind::ExtensionsTooLarge),
            (b"1\r\nxy\r\n", ErrorKind::ChunkEnd),
            (b"1\r\nx\n", ErrorKind::ChunkEnd),
            (b"1\r\nx\r5", ErrorKind::ChunkEnd),
            (b"0\n\r\n", ErrorKind::ChunkSize),
            (b"0\r\nXXGET /smuggled HTTP/1.1\r\n", ErrorKind::Trailer),
            (b"0\r\n: a\r\n", ErrorKind::Trailer),
            (b"0\r\n\n", ErrorKind::Trailer),
            (b"0\r\nX: a\nY: b\r\n\r\n", ErrorKind::Trailer),
            (b"0\r\n\rX", ErrorKind::Trailer),
            (
                b"0\r\nX: aaaaaaaaaaaaaaaaaa\r\n",
                ErrorKind::TrailersTooLarge,
            ),
        ] {
            assert_eq!(decode(input), Err(Some(kind)), "{}", input.escape_ascii());
        }
    }
}
