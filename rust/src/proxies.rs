//! What trusted proxies say of a request: who the client is, and by which scheme it came.
//!
//! The same as `hipflask.middleware.ProxyFix` with `x_for` and `x_proto`; a test compares them.

use std::borrow::Cow;

use crate::request::Request;

const SCHEMES: [&str; 4] = ["http", "https", "ws", "wss"];

/// Returns the client's address.
pub fn client(request: &Request, proxies: usize) -> Option<String> {
    let value = trusted(request, b"x-forwarded-for", proxies)?;
    (!value.is_empty()).then(|| value.iter().copied().map(char::from).collect())
}

/// Returns the scheme.
pub fn scheme(request: &Request, proxies: usize) -> Option<&'static str> {
    let value = trusted(request, b"x-forwarded-proto", proxies)?;
    let is_said = |known: &&str| known.as_bytes().eq_ignore_ascii_case(&value);
    SCHEMES.into_iter().find(|known| is_said(known))
}

/// Returns the value that the first of some proxies has added to a field; none if there are fewer values.
fn trusted(request: &Request, name: &[u8], proxies: usize) -> Option<Vec<u8>> {
    if proxies == 0 {
        return None;
    }
    let fields = request.head.fields(&request.bytes);
    let values: Vec<&[u8]> = fields
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .collect();
    let value = values.join(&b","[..]);
    if !value.contains(&b',') && !value.contains(&b'"') {
        return (proxies == 1).then(|| trim(&value, is_python_space).to_vec());
    }
    let items = items_of(&value);
    let at = items.len().checked_sub(proxies)?;
    items.get(at).map(|item| unquote(item).into_owned())
}

/// Returns the items of a list that are not empty; none at all if a quote is left open.
fn items_of(value: &[u8]) -> Vec<&[u8]> {
    let mut items = Vec::new();
    let (mut begin, mut is_quoted, mut is_escaped) = (0_usize, false, false);
    for (at, byte) in value.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b',' if !is_quoted => {
                items.push(value.get(begin..at).unwrap_or_default());
                begin = at.saturating_add(1);
            }
            _ => {}
        }
    }
    if is_quoted {
        return Vec::new();
    }
    items.push(value.get(begin..).unwrap_or_default());
    let is_blank = |byte| matches!(byte, b' ' | b'\t');
    let items = items.into_iter().map(|item| trim(item, is_blank));
    items.filter(|item| !item.is_empty()).collect()
}

/// Returns an item without its quotes and escapes.
fn unquote(item: &[u8]) -> Cow<'_, [u8]> {
    let inner = item.strip_prefix(b"\"");
    let Some(inner) = inner.and_then(|rest| rest.strip_suffix(b"\"")) else {
        return Cow::Borrowed(item);
    };
    let mut text = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter().copied();
    while let Some(byte) = bytes.next() {
        // One at the very end stands for itself.
        text.push(match byte {
            b'\\' => bytes.next().unwrap_or(byte),
            other => other,
        });
    }
    Cow::Owned(text)
}

fn trim(value: &[u8], is_space: impl Fn(u8) -> bool) -> &[u8] {
    let begin = value.iter().position(|byte| !is_space(*byte));
    let end = value.iter().rposition(|byte| !is_space(*byte));
    match (begin, end) {
        (Some(begin), Some(end)) => value.get(begin..=end).unwrap_or_default(),
        _ => b"",
    }
}

/// Whether `str.strip` takes the character away.
const fn is_python_space(byte: u8) -> bool {
    matches!(byte, 0x09..=0x0d | 0x1c..=0x20 | 0x85 | 0xa0)
}
