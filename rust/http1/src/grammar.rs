//! Which bytes may stand where: RFC 9110's token and field value, as tables made at compile time.

/// Tells whether a byte may stand in a name or method (RFC 9110, 5.6.2).
const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Tells whether a byte may stand in a field's value (RFC 9110, 5.5); bytes above 0x7f are opaque.
pub(crate) const fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Tells whether the bytes are a name or a method.
///
/// Source: RFC 9110, 5.6.2.
#[must_use]
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}

/// Tells whether one byte may stand in a name.
pub(crate) fn is_name_byte(byte: u8) -> bool {
    is_token_byte(byte)
}

/// Tells whether the bytes can be sent as a field's value: no line end, no NUL, no other control
/// character but the tab.
///
/// Source: RFC 9110, 5.5.
#[must_use]
pub fn is_field_value(bytes: &[u8]) -> bool {
    // Without an early end the compiler makes SIMD of it.
    bytes
        .iter()
        .fold(true, |is_good, byte| is_good & is_value_byte(*byte))
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
