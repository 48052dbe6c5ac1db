//! A request's body, by length or in chunks: which bytes of the input are its own.

use crate::chunked::ChunkDecoder;
use crate::error::ErrorKind;
use crate::head::Framing;
use crate::limits::Limits;

/// What comes next of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Nothing before more has arrived.
    NeedData,
    /// Some of its bytes; never none.
    Data(&'a [u8]),
    /// Its end.
    End,
}

/// Reads one body.
#[derive(Debug)]
pub(crate) enum BodyReader {
    /// So many bytes are to come.
    Length(u64),
    /// Chunks are to come.
    Chunked(ChunkDecoder),
}

impl BodyReader {
    /// Makes the reader that the framing asks for.
    pub(crate) const fn new(framing: Framing, limits: &Limits) -> Self {
        match framing {
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(ChunkDecoder::new(limits)),
        }
    }

    /// Takes what comes next; the first number is how much of the input that was.
    pub(crate) fn read<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Piece<'a>), ErrorKind> {
        match self {
            Self::Length(0) => Ok((0, Piece::End)),
            Self::Length(_) if input.is_empty() => Ok((0, Piece::NeedData)),
            Self::Length(left) => {
                let size = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(input.len());
                *left = left.saturating_sub(size as u64);
                Ok((size, Piece::Data(input.get(..size).unwrap_or_default())))
            }
            Self::Chunked(decoder) => decoder.read(input),
        }
    }

    /// Bytes that are known to come; there may be more of them in later chunks.
    pub(crate) fn known_rest(&self) -> u64 {
        match self {
            Self::Length(left) => *left,
            Self::Chunked(decoder) => decoder.known_rest(),
        }
    }
}
