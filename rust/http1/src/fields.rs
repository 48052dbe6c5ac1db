//! What the fields of a head say about the host, the body and the connection.

use crate::error::ErrorKind;
use crate::grammar::{parse_decimal, trim};
use crate::head::{Framing, RequestHead, Span};
use crate::host::is_host;
use crate::limits::Limits;

/// Notes taken while the fields of one head go by.
#[derive(Debug, Default)]
pub(crate) struct Meaning<'a> {
    host: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
    codings: Codings,
    options: Options,
    expects_continue: bool,
    has_upgrade: bool,
}

/// What `Transfer-Encoding` says, its fields read as one list (RFC 9110, 5.3).
#[derive(Debug, Default)]
struct Codings {
    count: usize,
    ends_with_chunked: bool,
    is_malformed: bool,
}

/// What `Connection` says.
#[derive(Debug, Default)]
struct Options {
    close: bool,
    keep_alive: bool,
    upgrade: bool,
}

impl<'a> Meaning<'a> {
    /// Notes one field; false if it is to be left out of the head.
    pub(crate) fn note(&mut self, name: &[u8], value: &'a [u8]) -> Result<bool, ErrorKind> {
        // Few names have these lengths, so that most fields cost one comparison.
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        match name.len() {
            4 if is(b"host") => once(&mut self.host, value)?,
            // CGI's HTTP_PROXY would be taken for the outgoing proxy's address (CVE-2016-5385).
            5 if is(b"proxy") => return Ok(false),
            6 if is(b"expect") => {
                self.expects_continue |= value.eq_ignore_ascii_case(b"100-continue");
            }
            7 if is(b"upgrade") => self.has_upgrade |= !value.is_empty(),
            10 if is(b"connection") => self.options.note(value),
            12 if is(b"content-type") => once(&mut self.content_type, value)?,
            14 if is(b"content-length") => once(&mut self.content_length, value)?,
            17 if is(b"transfer-encoding") => self.codings.note(value),
            _ => {}
        }
        // In CGI's names an underscore meets the hyphen: X_Forwarded_For must not pass for X-Forwarded-For.
        Ok(!name.contains(&b'_'))
    }

    /// Checks the fields against each other and writes what they mean into the head.
    pub(crate) fn apply(
        &self,
        block: &[u8],
        limits: &Limits,
        head: &mut RequestHead,
    ) -> Result<(), ErrorKind> {
        self.apply_host(block, head)?;
        head.body = self.framing(head.minor_version, limits)?;
        // "close" wins over everything else (RFC 9112, 9.3).
        head.is_keep_alive =
            !self.options.close && (head.minor_version > 0 || self.options.keep_alive);
        head.expects_continue = self.expects_continue && head.minor_version > 0;
        head.is_upgrade = self.options.upgrade
            && self.has_upgrade
            && head.minor_version > 0
            && head.body == Framing::Length(0);
        Ok(())
    }

    /// Checks the Host field; a host in the target is the stronger one (RFC 9112, 3.2.2).
    fn apply_host(&self, block: &[u8], head: &mut RequestHead) -> Result<(), ErrorKind> {
        match self.host {
            None if head.minor_version > 0 => Err(ErrorKind::MissingHost),
            None => Ok(()),
            Some(host) if !is_host(host) => Err(ErrorKind::InvalidHost),
            Some(host) => {
                if head.host.is_empty() {
                    head.host = Span::within(block, host);
                }
                Ok(())
            }
        }
    }

    /// Decides how the body is delimited (RFC 9112, 6.3).
    fn framing(&self, minor_version: u8, limits: &Limits) -> Result<Framing, ErrorKind> {
        if self.codings.count == 0 {
            let Some(value) = self.content_length else {
                return Ok(Framing::Length(0));
            };
            let length = parse_decimal(value).ok_or(ErrorKind::ContentLength)?;
            return if length > limits.max_body_bytes {
                Err(ErrorKind::BodyTooLarge)
            } else {
                Ok(Framing::Length(length))
            };
        }
        if minor_version == 0 {
            Err(ErrorKind::CodingInOldVersion)
        } else if self.content_length.is_some() {
            Err(ErrorKind::LengthBesideCoding)
        } else if self.codings.is_malformed || !self.codings.ends_with_chunked {
            Err(ErrorKind::CodingNotFinal)
        } else if self.codings.count > 1 {
            Err(ErrorKind::CodingUnknown)
        } else {
            Ok(Framing::Chunked)
        }
    }
}

impl Codings {
    fn note(&mut self, value: &[u8]) {
        for coding in value.split(|byte| *byte == b',').map(trim) {
            // An empty member is refused too: lists are read in more ways than one.
            self.is_malformed |= coding.is_empty() || self.ends_with_chunked;
            self.ends_with_chunked = coding.eq_ignore_ascii_case(b"chunked");
            self.count = self.count.saturating_add(1);
        }
    }
}

impl Options {
    fn note(&mut self, value: &[u8]) {
        for option in value.split(|byte| *byte == b',').map(trim) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }
}

/// Takes a value of which there may be one only, even if the second is equal.
fn once<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8]) -> Result<(), ErrorKind> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(ErrorKind::DuplicateField),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a list of fields means in HTTP/1.`minor_version`.
    fn mean(minor_version: u8, fields: &[(&str, &str)]) -> Result<RequestHead, ErrorKind> {
        let mut meaning = Meaning::default();
        let mut head = RequestHead {
            minor_version,
            ..RequestHead::default()
        };
        for (name, value) in fields {
            meaning.note(name.as_bytes(), value.as_bytes())?;
        }
        meaning
            .apply(b"", &Limits::default(), &mut head)
            .map(|()| head)
    }

    fn framing(fields: &[(&str, &str)]) -> Result<Framing, ErrorKind> {
        let mut all = vec![("Host", "a")];
        all.extend(fields);
        mean(1, &all).map(|head| head.body)
    }

    #[test]
    fn one_length_or_one_chunked_frames_the_body() {
        assert_eq!(framing(&[]), Ok(Framing::Length(0)));
        assert_eq!(
            framing(&[("content-LENGTH", "0010")]),
            Ok(Framing::Length(10))
        );
        assert_eq!(
            framing(&[("Transfer-Encoding", "ChUnKeD")]),
            Ok(Framing::Chunked)
        );
    }

    #[test]
    fn what_could_be_framed_in_two_ways_is_refused() {
        let coding = "Transfer-Encoding";
        let length = "Content-Length";
        for (fields, kind) in [
            (
                &[(length, "5"), (length, "5")][..],
                ErrorKind::DuplicateField,
            ),
            (&[(length, "5, 5")], ErrorKind::ContentLength),
            (&[(length, "")], ErrorKind::ContentLength),
            (&[(length, "104857601")], ErrorKind::BodyTooLarge),
            (
                &[(length, "0"), (coding, "chunked")],
                ErrorKind::LengthBesideCoding,
            ),
            (&[(coding, "")], ErrorKind::CodingNotFinal),
            (&[(coding, "identity")], ErrorKind::CodingNotFinal),
            (&[(coding, "chunked, gzip")], ErrorKind::CodingNotFinal),
            (&[(coding, "chunked, chunked")], ErrorKind::CodingNotFinal),
            (
                &[(coding, "chunked"), (coding, "chunked")],
                ErrorKind::CodingNotFinal,
            ),
            (&[(coding, ",chunked")], ErrorKind::CodingNotFinal),
            (&[(coding, "chunked,")], ErrorKind::CodingNotFinal),
            (&[(coding, "\x0bchunked")], ErrorKind::CodingNotFinal),
            (&[(coding, "gzip, chunked")], ErrorKind::CodingUnknown),
            (
                &[(coding, "gzip"), (coding, "chunked")],
                ErrorKind::CodingUnknown,
            ),
        ] {
            assert_eq!(framing(fields), Err(kind), "{fields:?}");
        }
        assert_eq!(
            mean(0, &[(coding, "chunked")]).map(|head| head.body),
            Err(ErrorKind::CodingInOldVersion)
        );
    }

    #[test]
    fn a_host_is_asked_for_in_version_1_1() {
        assert!(mean(0, &[]).is_ok());
        assert_eq!(mean(1, &[]).err(), Some(ErrorKind::MissingHost));
        assert_eq!(mean(0, &[("Host", "")]).err(), Some(ErrorKind::InvalidHost));
        assert_eq!(
            mean(1, &[("Host", "a"), ("HOST", "a")]).err(),
            Some(ErrorKind::DuplicateField)
        );
    }

    #[test]
    fn the_connection_is_kept_unless_somebody_closes_it() {
        let keeps = |minor_version, value| {
            mean(minor_version, &[("Host", "a"), ("Connection", value)])
                .map(|head| head.is_keep_alive)
        };
        assert_eq!(keeps(1, ""), Ok(true));
        assert_eq!(keeps(1, "a, CLOSE"), Ok(false));
        assert_eq!(keeps(0, ""), Ok(false));
        assert_eq!(keeps(0, "Keep-Alive"), Ok(true));
        assert_eq!(keeps(0, "keep-alive, close"), Ok(false));
    }

    #[test]
    fn an_upgrade_needs_both_fields_and_no_body() {
        let upgrade = [
            ("Host", "a"),
            ("Connection", "x, Upgrade"),
            ("Upgrade", "websocket"),
        ];
        assert!(mean(1, &upgrade).is_ok_and(|head| head.is_upgrade));
        assert!(mean(0, &upgrade).is_ok_and(|head| !head.is_upgrade));
        assert!(mean(1, &upgrade[..2]).is_ok_and(|head| !head.is_upgrade));
        let with_body = [upgrade[0], upgrade[1], upgrade[2], ("Content-Length", "1")];
        assert!(mean(1, &with_body).is_ok_and(|head| !head.is_upgrade));
    }

    #[test]
    fn underscores_and_proxy_are_left_out() {
        let mut meaning = Meaning::default();
        assert_eq!(meaning.note(b"X_Forwarded_For", b"1"), Ok(false));
        assert_eq!(meaning.note(b"PROXY", b"1"), Ok(false));
        assert_eq!(meaning.note(b"Content_Length", b"1"), Ok(false));
        assert_eq!(meaning.note(b"X-Forwarded-For", b"1"), Ok(true));
        assert!(meaning.content_length.is_none());
    }
}
