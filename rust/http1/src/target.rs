//! The four forms of a request target (RFC 9112, 3.2), cut into host, path and query.
//!
//! Percent signs are left as they are: decoding is the application's business.

use crate::error::ErrorKind;
use crate::head::Span;
use crate::host::is_host;

/// The parts of a target, as spans of the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Target {
    /// The host that the absolute form names; empty for the other forms.
    pub(crate) host: Span,
    /// The path, still encoded. Empty in `http://host?query`, where it means `/`.
    pub(crate) path: Span,
    /// What follows the first question mark.
    pub(crate) query: Option<Span>,
}

/// Cuts a target.
///
/// # Arguments
///
/// * `method` - The request's method: CONNECT and OPTIONS have a form of their own.
/// * `target` - The target's bytes, visible ones only.
/// * `start` - Where the target begins in the head.
pub(crate) fn cut(method: &[u8], target: &[u8], start: usize) -> Result<Target, ErrorKind> {
    if method == b"CONNECT" {
        return Err(ErrorKind::Connect);
    }
    if target == b"*" && method == b"OPTIONS" {
        return Ok(Target {
            path: Span::new(start, 1),
            ..Target::default()
        });
    }
    let host_start = if target.starts_with(b"/") {
        0
    } else {
        scheme_len(target).ok_or(ErrorKind::TargetForm)?
    };
    let rest = target.get(host_start..).unwrap_or_default();
    let mut path_at = 0;
    let mut host = Span::default();
    if host_start > 0 {
        path_at = rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?' | b'#'))
            .unwrap_or(rest.len());
        if !is_host(rest.get(..path_at).unwrap_or_default()) {
            return Err(ErrorKind::InvalidHost);
        }
        host = Span::new(start.saturating_add(host_start), path_at);
    }
    let path_start = host_start.saturating_add(path_at);
    let (path_len, query_len) = measure(target.get(path_start..).unwrap_or_default())?;
    let path_start = start.saturating_add(path_start);
    let query_start = path_start.saturating_add(path_len).saturating_add(1);
    Ok(Target {
        host,
        path: Span::new(path_start, path_len),
        query: query_len.map(|len| Span::new(query_start, len)),
    })
}

/// Returns the length of `http://` or `https://` at the front; other schemes are not ours to serve.
fn scheme_len(target: &[u8]) -> Option<usize> {
    [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| {
            target
                .get(..scheme.len())
                .is_some_and(|front| front.eq_ignore_ascii_case(scheme))
        })
        .map(<[u8]>::len)
}

/// Returns the lengths of path and query, or an error for a fragment or a byte that is not visible.
fn measure(rest: &[u8]) -> Result<(usize, Option<usize>), ErrorKind> {
    let mut path_len = None;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'?' if path_len.is_none() => path_len = Some(at),
            b'#' | 0..=b' ' | 0x7f => return Err(ErrorKind::TargetForm),
            _ => {}
        }
    }
    Ok(path_len.map_or((rest.len(), None), |len| {
        (len, Some(rest.len().saturating_sub(len).saturating_sub(1)))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cuts a target that stands behind "GET ", and shows the parts.
    fn parts<'a>(
        method: &str,
        target: &'a str,
    ) -> Result<(&'a str, &'a str, Option<&'a str>), ErrorKind> {
        let show = |span: Span| std::str::from_utf8(span.of(target.as_bytes())).expect("ASCII");
        let cut = cut(method.as_bytes(), target.as_bytes(), 0)?;
        Ok((show(cut.host), show(cut.path), cut.query.map(show)))
    }

    #[test]
    fn the_origin_form_is_path_and_query() {
        assert_eq!(parts("GET", "/"), Ok(("", "/", None)));
        assert_eq!(parts("GET", "/a?"), Ok(("", "/a", Some(""))));
        assert_eq!(parts("GET", "/a?b?c=%20"), Ok(("", "/a", Some("b?c=%20"))));
        assert_eq!(parts("GET", "//evil/"), Ok(("", "//evil/", None)));
    }

    #[test]
    fn the_absolute_form_names_a_host() {
        assert_eq!(
            parts("GET", "http://a:80/b?c"),
            Ok(("a:80", "/b", Some("c")))
        );
        assert_eq!(parts("GET", "HTTPS://[::1]"), Ok(("[::1]", "", None)));
        assert_eq!(parts("GET", "http://a?c"), Ok(("a", "", Some("c"))));
        for bad in [
            "http://",
            "http:///a",
            "http://u:p@a/",
            "http://a b/",
            "http://a#b",
        ] {
            assert!(parts("GET", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_forms_are_for_their_methods_only() {
        assert_eq!(parts("OPTIONS", "*"), Ok(("", "*", None)));
        assert_eq!(parts("CONNECT", "a:80"), Err(ErrorKind::Connect));
        for bad in [
            "*", "a", "a:80", "!", "ftp://a/", "http:/a", "/a#b", "/a\u{7f}",
        ] {
            assert_eq!(parts("GET", bad), Err(ErrorKind::TargetForm), "{bad}");
        }
    }

    #[test]
    fn spans_count_from_the_head() {
        let head = b"GET http://a/b?c HTTP/1.1";
        let cut = cut(b"GET", b"http://a/b?c", 4).expect("good");
        assert_eq!(
            (cut.host.of(head), cut.path.of(head)),
            (&b"a"[..], &b"/b"[..])
        );
        assert_eq!(cut.query.map(|span| span.of(head)), Some(&b"c"[..]));
    }
}
