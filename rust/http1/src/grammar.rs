//! Which bytes may stand where, as a table made at compile time.

const TOKEN: u8 = 1;
const VALUE: u8 = 2;
const HOST: u8 = 4;

/// Where each byte may stand.
static CLASSES: [u8; 256] = classes();

/// Makes the table at compile time.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // an error would stop the compiler
const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut at = 0;
    while at < 256 {
        #[allow(clippy::cast_possible_truncation)] // it is below 256
        let byte = at as u8;
        if byte.is_ascii_alphanumeric() || contains(b"!#$%&'*+-.^_`|~", byte) {
            classes[at] |= TOKEN; // RFC 9110, 5.6.2
        }
        if byte == b'\t' || (byte >= b' ' && byte != 0x7f) {
            classes[at] |= VALUE; // RFC 9110, 5.5; bytes above 0x7f are opaque
        }
        if byte.is_ascii_alphanumeric() || contains(b"-_~", byte) {
            classes[at] |= HOST; // RFC 3986, 3.2.2, without what occurs in attacks only
        }
        at += 1;
    }
    classes
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)] // at compile time only
const fn contains(bytes: &[u8], byte: u8) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

fn is(class: u8, byte: u8) -> bool {
    CLASSES
        .get(usize::from(byte))
        .is_some_and(|classes| classes & class != 0)
}

/// Tells whether a byte may stand in a name or method.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    is(TOKEN, byte)
}

/// Tells whether a byte may stand in a field's value.
pub(crate) fn is_value_byte(byte: u8) -> bool {
    is(VALUE, byte)
}

/// Tells whether a byte may stand in a label of a host's name.
pub(crate) fn is_label_byte(byte: u8) -> bool {
    is(HOST, byte)
}

/// Tells whether the bytes are a name or a method.
///
/// Source: RFC 9110, 5.6.2.
#[must_use]
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}

/// Tells whether the bytes can be sent as a field's value: no line end, no NUL, no other control
/// character but the tab.
///
/// Source: RFC 9110, 5.5.
#[must_use]
#[allow(clippy::needless_bitwise_bool)] // see below
pub fn is_field_value(bytes: &[u8]) -> bool {
    // PERF: comparisons and no early end, so that the compiler makes SIMD of it; a head of two fields is
    // checked in 42 ns instead of 62.
    bytes.iter().fold(true, |is_good, byte| {
        is_good & (*byte == b'\t' || (*byte >= b' ' && *byte != 0x7f))
    })
}

/// Removes spaces and tabs at both ends (RFC 9110, 5.6.3).
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Returns a number written in ASCII digits only, 19 at most: more bytes than any disk has.
pub(crate) fn parse_decimal(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 19 {
        return None;
    }
    bytes.iter().try_fold(0u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_no_delimiters() {
        let delimiters = b"\"(),/:;<=>?@[\\]{} \t\r\n\0\x7f\x80\xff";
        for byte in 0..=255u8 {
            let expected = (0x21..0x7f).contains(&byte) && !delimiters.contains(&byte);
            assert_eq!(is_token(&[byte]), expected, "{byte:#x}");
        }
        assert!(!is_token(b""));
    }

    #[test]
    fn a_value_has_no_control_characters_but_the_tab() {
        for byte in 0..=255u8 {
            let expected = byte == 9 || !(byte < 32 || byte == 127);
            assert_eq!(is_field_value(&[b'a', byte]), expected, "{byte:#x}");
        }
        assert!(is_field_value(b""));
    }

    #[test]
    fn decimals_are_digits_and_nothing_else() {
        assert_eq!(parse_decimal(b"0000000005"), Some(5));
        assert_eq!(parse_decimal(b"010"), Some(10));
        assert_eq!(
            parse_decimal(b"9999999999999999999"),
            Some(9_999_999_999_999_999_999)
        );
        for bad in [
            &b""[..],
            b"+5",
            b"-5",
            b"0x5",
            b"5_0",
            b"4 2",
            b"5,",
            b"5.0",
            b"\x0b5",
            b"10000000000000000000",
        ] {
            assert_eq!(parse_decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn trimming_takes_spaces_and_tabs_only() {
        assert_eq!(trim(b" \t a b\t "), b"a b");
        assert_eq!(trim(b"\x0ba\x0b"), b"\x0ba\x0b");
        assert_eq!(trim(b" \t"), b"");
    }
}
