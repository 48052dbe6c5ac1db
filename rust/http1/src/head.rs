//! A request's head as spans of the bytes it came in: nothing is copied until somebody wants it.

/// A part of a head: which bytes of it, not the bytes themselves.
///
/// It stays right when the head's bytes are copied elsewhere, for example to another thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Makes the span of `len` bytes from `start` on.
    pub(crate) fn new(start: usize, len: usize) -> Self {
        // A head is at most `Limits::max_head_bytes` long; a larger number could only point outside of it.
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        Self {
            start,
            end: start.saturating_add(u32::try_from(len).unwrap_or(u32::MAX)),
        }
    }

    /// Makes the span of `part`, which must be a part of `whole`; otherwise it comes out empty or foreign,
    /// but never outside of what it is applied to.
    pub(crate) fn within(whole: &[u8], part: &[u8]) -> Self {
        Self::new(
            part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr()),
            part.len(),
        )
    }

    /// Returns these bytes of a head; nothing if the head is too short to be the one that was cut.
    #[must_use]
    pub fn of(self, head: &[u8]) -> &[u8] {
        head.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }

    /// Offset of the first byte.
    #[must_use]
    pub const fn start(self) -> usize {
        self.start as usize
    }

    /// Offset after the last byte.
    #[must_use]
    pub const fn end(self) -> usize {
        self.end as usize
    }

    /// Whether there are no bytes in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// One field line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Field {
    /// The name as sent; always a token, without underscores.
    pub name: Span,
    /// The value without the white space around it; bytes above 0x7f are possible.
    pub value: Span,
}

/// How a request's body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// It is this many bytes long; 0 if neither length nor coding was sent (RFC 9112, 6.3).
    Length(u64),
    /// It comes in chunks.
    Chunked,
}

impl Default for Framing {
    fn default() -> Self {
        Self::Length(0)
    }
}

/// One request's head, checked. All spans are of the bytes in [`Event::Request`](crate::Event::Request).
#[derive(Debug, Clone, Default)]
pub struct RequestHead {
    /// The method as sent, e.g. `GET`.
    pub method: Span,
    /// The target as sent.
    pub target: Span,
    /// The host that the request is for, with its port: the target's, else the Host field's. Empty only in
    /// HTTP/1.0.
    pub host: Span,
    pub(crate) path: Span,
    /// What follows the first question mark; `None` if there is no question mark.
    pub query: Option<Span>,
    /// The field lines in the order sent. Names with an underscore, and `Proxy`, are left out.
    pub fields: Vec<Field>,
    /// 1 for HTTP/1.1, 0 for HTTP/1.0.
    pub minor_version: u8,
    /// How the body is delimited.
    pub body: Framing,
    /// The client waits for an interim answer before it sends the body.
    pub expects_continue: bool,
    /// The client wants to send another request.
    pub is_keep_alive: bool,
    /// The client offers to speak another protocol after this request, which has no body.
    pub is_upgrade: bool,
}

impl RequestHead {
    /// Returns the target's path, still percent-encoded; `/` where the target names only a host.
    #[must_use]
    pub fn path<'a>(&self, head: &'a [u8]) -> &'a [u8] {
        if self.path.is_empty() {
            b"/"
        } else {
            self.path.of(head)
        }
    }

    /// Returns names and values in the order sent.
    pub fn fields<'a>(&'a self, head: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.fields
            .iter()
            .map(move |field| (field.name.of(head), field.value.of(head)))
    }

    /// Makes the head ready for the next request, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        *self = Self {
            fields,
            ..Self::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_never_leaves_the_bytes_it_is_applied_to() {
        let head = b"GET / HTTP/1.1";
        assert_eq!(Span::within(head, &head[4..5]).of(head), b"/");
        assert_eq!(Span::within(&head[4..], &head[..3]).of(head), b"");
        assert_eq!(Span::new(12, 5).of(head), b"");
        assert_eq!(Span::new(usize::MAX, usize::MAX).of(head), b"");
        assert!(Span::default().is_empty());
    }
}
