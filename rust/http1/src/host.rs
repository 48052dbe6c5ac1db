//! The grammar of a host with an optional port, as it stands in the Host field and in absolute targets.
//!
//! Whether a host is one of the application's is not known here.

use crate::grammar::{is_label_byte, parse_decimal};
use std::net::Ipv6Addr;

/// 255 bytes of a name, a colon, five of a port.
const MAX_HOST_BYTES: usize = 261;

/// Tells whether the bytes are a host name or address with an optional port.
///
/// Stricter than RFC 3986, 3.2.2: of the characters that it allows in a name only letters, digits, `-`, `.`,
/// `_` and `~` are taken; the others occur in attacks only. A trailing dot is the root's; a colon without
/// a port is allowed (RFC 3986, 3.2.3).
#[must_use]
pub fn is_host(bytes: &[u8]) -> bool {
    if bytes.len() > MAX_HOST_BYTES {
        return false;
    }
    if let Some(rest) = bytes.strip_prefix(b"[") {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let (address, rest) = rest.split_at_checked(end).unwrap_or_default();
        return is_ipv6(address) && is_port(rest.strip_prefix(b"]").unwrap_or_default());
    }
    let end = bytes
        .iter()
        .position(|byte| *byte == b':')
        .unwrap_or(bytes.len());
    let (name, port) = bytes.split_at_checked(end).unwrap_or_default();
    is_name(name) && is_port(port)
}

/// Tells whether the bytes are labels with dots between them, and perhaps one after them.
fn is_name(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_suffix(b".").unwrap_or(bytes);
    // One pass: a dot must follow a letter, and so must the end.
    let mut is_label = false;
    for byte in bytes {
        match byte {
            b'.' if is_label => is_label = false,
            _ if is_label_byte(*byte) => is_label = true,
            _ => return false,
        }
    }
    is_label
}

/// Tells whether the bytes are nothing, or a colon and at most five digits up to 65535.
fn is_port(bytes: &[u8]) -> bool {
    match bytes {
        [] | [b':'] => true,
        [b':', digits @ ..] => {
            digits.len() <= 5 && parse_decimal(digits).is_some_and(|port| port <= 65535)
        }
        _ => false,
    }
}

/// Tells whether the bytes between brackets are an address; zones and later versions are not.
fn is_ipv6(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_hosts() {
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "localhost:",
            "localhost:8000",
            "a-b.example_1.org:65535",
            "127.0.0.1:0",
            "[::1]",
            "[::ffff:1.2.3.4]:80",
            "[1:2:3:4:5:6:7:8]:",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn what_would_change_a_url_is_no_host() {
        let long = "a".repeat(262);
        for host in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            ":80",
            "a#x",
            "a?x",
            "u@a",
            "a b",
            "a:b",
            "a:99999",
            "a:000080",
            "a:-1",
            "a:80:90",
            "[::1",
            "::1",
            "[]",
            "[v1.fe]",
            "[::1%eth0]",
            "[::1]x",
            "[::1]80",
            "a, b",
            "a\\b",
            "a/b",
            "a\0b",
            "\u{f6}",
            "%61",
            "../etc",
            "a\t",
            &long,
        ] {
            assert!(!is_host(host.as_bytes()), "{host:?}");
        }
    }
}
