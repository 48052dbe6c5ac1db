//! What a connection still has to send, in order: bytes of its own, shared ones, parts of files.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};

use crate::listener::Stream;
use crate::reply::{FilePart, Payload};

/// Bytes of a file that are sent in one go; then it is other connections' turn.
const FILE_BYTES: u64 = 512 * 1024;
const SLICES: usize = 8;

enum Part {
    Own(Vec<u8>),
    Shared(Payload),
    File(FilePart),
}

impl Part {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(payload) => payload.as_slice(),
            Self::File(_) => b"",
        }
    }
}

/// What came of an attempt to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Everything.
    All,
    /// What the socket takes; it will tell when it takes more.
    Some,
    /// As much as is fair; the socket may take more at once.
    Enough,
    /// The connection is broken, or a file is shorter than it was.
    Broken,
}

/// Sends of a file what the socket takes, but no more than is fair; returns how much that was.
fn send_part(part: &mut FilePart, stream: &mut Stream) -> std::io::Result<u64> {
    let size = usize::try_from(part.size.min(FILE_BYTES)).unwrap_or(0);
    let sent = stream.send_file(&part.file, part.offset, size)? as u64;
    part.offset = part.offset.saturating_add(sent);
    part.size = part.size.saturating_sub(sent);
    Ok(sent)
}

/// The queue of one connection.
#[derive(Default)]
pub struct Output {
    parts: VecDeque<Part>,
    /// Bytes of the first part that are sent already.
    at: usize,
    /// Bytes sent since the connection began.
    pub sent: u64,
}

impl Output {
    /// Whether everything has been sent.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns how many bytes have not been sent.
    pub fn pending(&self) -> u64 {
        let all: u64 = self.parts.iter().fold(0, |sum, part| {
            sum.saturating_add(match part {
                Part::File(part) => part.size,
                other => other.as_slice().len() as u64,
            })
        });
        all.saturating_sub(self.at as u64)
    }

    /// Returns the bytes at the end, to be appended to; `spare` becomes part of the queue if there are none.
    pub fn tail<'a>(&'a mut self, spare: &'a mut Vec<u8>) -> &'a mut Vec<u8> {
        if !matches!(self.parts.back(), Some(Part::Own(_))) {
            self.parts.push_back(Part::Own(std::mem::take(spare)));
        }
        match self.parts.back_mut() {
            Some(Part::Own(bytes)) => bytes,
            _ => spare, // cannot be: it was pushed above
        }
    }

    /// Appends shared bytes.
    pub fn push(&mut self, payload: Payload) {
        self.parts.push_back(Part::Shared(payload));
    }

    /// Appends a part of a file.
    pub fn push_file(&mut self, part: FilePart) {
        self.parts.push_back(Part::File(part));
    }

    /// Sends what the socket takes. Memory that is not needed any more goes to `spare`.
    pub fn flush(&mut self, stream: &mut Stream, spare: &mut Vec<u8>) -> Sent {
        loop {
            let result = match self.parts.front_mut() {
                None => return Sent::All,
                Some(Part::File(part)) => match send_part(part, stream) {
                    Ok(0) if part.size > 0 => return Sent::Broken,
                    Ok(sent) => {
                        self.sent = self.sent.saturating_add(sent);
                        if part.size == 0 {
                            self.parts.pop_front();
                        } else if sent == FILE_BYTES {
                            return Sent::Enough;
                        }
                        continue;
                    }
                    Err(error) => Err(error),
                },
                Some(_) => self.write_bytes(stream),
            };
            match result {
                Ok(sent) => self.advance(sent, spare),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Sent::Some,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Sent::Broken,
            }
        }
    }

    /// Writes the bytes in front, up to the next file.
    fn write_bytes(&self, stream: &mut Stream) -> std::io::Result<usize> {
        let mut slices = [IoSlice::new(b""); SLICES];
        let mut used = 0;
        let bytes = self
            .parts
            .iter()
            .take_while(|part| !matches!(part, Part::File(_)));
        for (slot, part) in slices.iter_mut().zip(bytes) {
            let skip = if used == 0 { self.at } else { 0 };
            *slot = IoSlice::new(part.as_slice().get(skip..).unwrap_or_default());
            used += 1;
        }
        match slices.get(..used) {
            // The file is sent next: no packet for the head alone.
            Some([only]) if self.parts.len() > 1 => stream.write_more(only),
            Some([only]) => stream.write(only),
            Some(several) => stream.write_vectored(several),
            None => Ok(0),
        }
    }

    /// Drops what was sent.
    fn advance(&mut self, sent: usize, spare: &mut Vec<u8>) {
        self.sent = self.sent.saturating_add(sent as u64);
        self.at = self.at.saturating_add(sent);
        while let Some(part) = self.parts.front() {
            let size = part.as_slice().len();
            if matches!(part, Part::File(_)) || self.at < size {
                return;
            }
            self.at = self.at.saturating_sub(size);
            if let Some(Part::Own(mut bytes)) = self.parts.pop_front() {
                bytes.clear();
                if spare.capacity() < bytes.capacity() && bytes.capacity() <= 64 * 1024 {
                    *spare = bytes;
                }
            }
        }
    }
}
