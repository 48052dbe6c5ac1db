//! What is refused, each with its status and text: one table for clients' mistakes, one for the
//! application's.

use std::error::Error;
use std::fmt;

/// What is wrong with a request.
///
/// The texts never contain what the client sent, so they may be logged and answered as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The first line is not `METHOD TARGET HTTP/D.D`.
    RequestLine,
    /// A line ends with a lone LF (RFC 9112, 2.2 lets a server take it; that is how requests are split).
    BareLineFeed,
    /// The version is neither 1.0 nor 1.1.
    Version,
    /// The target has none of the forms that the method allows (RFC 9112, 3.2).
    TargetForm,
    /// The target is longer than the limit.
    TargetTooLong,
    /// The method is CONNECT, which is for proxies.
    Connect,
    /// A field line is no `name: value`, or has a control character, white space before the colon or a
    /// folded line.
    FieldSyntax,
    /// Request line and fields, or one field, are larger than the limit.
    HeadTooLarge,
    /// There are more field lines than the limit.
    TooManyFields,
    /// A field that decides about framing or routing came twice.
    DuplicateField,
    /// HTTP/1.1 without a Host field (RFC 9112, 3.2).
    MissingHost,
    /// The Host field, or the host in the target, is no host.
    InvalidHost,
    /// Content-Length is anything but ASCII digits.
    ContentLength,
    /// Content-Length beside Transfer-Encoding: one of them lies (RFC 9112, 6.1).
    LengthBesideCoding,
    /// Transfer-Encoding in HTTP/1.0 (RFC 9112, 6.1).
    CodingInOldVersion,
    /// Transfer-Encoding does not end with exactly one `chunked`, so the body has no known end
    /// (RFC 9112, 6.3).
    CodingNotFinal,
    /// A transfer coding before `chunked` that is not implemented.
    CodingUnknown,
    /// The body is longer than the limit.
    BodyTooLarge,
    /// A chunk's size line is malformed.
    ChunkSize,
    /// The chunk extensions are larger than the limit.
    ExtensionsTooLarge,
    /// A chunk's data is not followed by CR LF.
    ChunkEnd,
    /// The trailer section is malformed.
    Trailer,
    /// The trailer section is larger than the limit.
    TrailersTooLarge,
    /// The client stopped in the middle of a head.
    IncompleteHead,
    /// The client stopped in the middle of a body.
    IncompleteBody,
}

impl ErrorKind {
    /// All kinds, for tests and for counters.
    pub const ALL: [Self; 25] = [
        Self::RequestLine,
        Self::BareLineFeed,
        Self::Version,
        Self::TargetForm,
        Self::TargetTooLong,
        Self::Connect,
        Self::FieldSyntax,
        Self::HeadTooLarge,
        Self::TooManyFields,
        Self::DuplicateField,
        Self::MissingHost,
        Self::InvalidHost,
        Self::ContentLength,
        Self::LengthBesideCoding,
        Self::CodingInOldVersion,
        Self::CodingNotFinal,
        Self::CodingUnknown,
        Self::BodyTooLarge,
        Self::ChunkSize,
        Self::ExtensionsTooLarge,
        Self::ChunkEnd,
        Self::Trailer,
        Self::TrailersTooLarge,
        Self::IncompleteHead,
        Self::IncompleteBody,
    ];

    /// The table: status of the answer, text for answer and log.
    const fn row(self) -> (u16, &'static str) {
        match self {
            Self::RequestLine => (400, "malformed request line"),
            Self::BareLineFeed => (400, "line end other than CR LF"),
            Self::Version => (505, "HTTP version other than 1.0 and 1.1"),
            Self::TargetForm => (400, "request target of a wrong form"),
            Self::TargetTooLong => (414, "request target too long"),
            Self::Connect => (501, "CONNECT is for proxies"),
            Self::FieldSyntax => (400, "malformed header field"),
            Self::HeadTooLarge => (431, "header fields too large"),
            Self::TooManyFields => (431, "too many header fields"),
            Self::DuplicateField => (400, "second host, content-length or content-type field"),
            Self::MissingHost => (400, "no host field"),
            Self::InvalidHost => (400, "invalid host"),
            Self::ContentLength => (400, "invalid content-length"),
            Self::LengthBesideCoding => (400, "content-length beside transfer-encoding"),
            Self::CodingInOldVersion => (400, "transfer-encoding in HTTP/1.0"),
            Self::CodingNotFinal => (400, "transfer-encoding that does not end a message"),
            Self::CodingUnknown => (501, "transfer-encoding other than chunked"),
            Self::BodyTooLarge => (413, "body longer than the server's limit"),
            Self::ChunkSize => (400, "malformed chunk size"),
            Self::ExtensionsTooLarge => (400, "chunk extensions too large"),
            Self::ChunkEnd => (400, "chunk data longer than its size says"),
            Self::Trailer => (400, "malformed trailer field"),
            Self::TrailersTooLarge => (400, "trailer fields too large"),
            Self::IncompleteHead => (400, "head cut short"),
            Self::IncompleteBody => (400, "body cut short"),
        }
    }

    /// The status that answers it.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// What is wrong, in a few words of our own.
    #[must_use]
    pub const fn text(self) -> &'static str {
        self.row().1
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl Error for ErrorKind {}

/// Why an answer of the application cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AnswerError {
    /// The status is below 200 or above 999: interim answers are the server's to send.
    Status,
    /// The reason phrase has a line end or another control character.
    Reason,
    /// A field's name is no token.
    Name,
    /// A field's value has a line end or another control character.
    Value,
    /// The field belongs to the connection, so it is the server's to set (RFC 9110, 7.6.1).
    HopByHop,
    /// Content-Length is no number, or a second one differs from the first.
    ContentLength,
    /// The body is longer than Content-Length; the connection must be broken off.
    BodyTooLong,
    /// The body is shorter than Content-Length; the connection must be broken off.
    BodyTooShort,
    /// No answer is owed at this point, or it was begun or ended already.
    OutOfOrder,
}

impl AnswerError {
    /// What is wrong and what to do about it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Status => {
                "the status must be 200 to 999; interim answers are sent by the server itself"
            }
            Self::Reason => "the reason phrase has a line end or a control character",
            Self::Name => "the header's name has a character that names must not have",
            Self::Value => "the header's value has a line end or a control character",
            Self::HopByHop => "the header is the server's to set; remove it from the response",
            Self::ContentLength => "Content-Length must be one whole number",
            Self::BodyTooLong => "the response's body is longer than its Content-Length says",
            Self::BodyTooShort => "the response's body is shorter than its Content-Length says",
            Self::OutOfOrder => {
                "the response was begun or ended already, or no request is waiting for it"
            }
        }
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.text())
    }
}

impl Error for AnswerError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::reason_phrase;

    #[test]
    fn every_kind_has_a_client_or_version_status_and_a_text_of_its_own() {
        let mut texts: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.text()).collect();
        for kind in ErrorKind::ALL {
            assert!(
                matches!(kind.status(), 400 | 413 | 414 | 431 | 501 | 505),
                "{kind:?}"
            );
            assert!(!reason_phrase(kind.status()).is_empty(), "{kind:?}");
            assert!(kind.to_string().is_ascii());
        }
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), ErrorKind::ALL.len());
    }
}
