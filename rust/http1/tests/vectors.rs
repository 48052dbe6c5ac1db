//! Runs `vectors.txt`: whole, byte by byte, and cut in two at each offset.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test may fail loudly
#![allow(clippy::arithmetic_side_effects)] // its numbers are its own

mod driver;

use driver::{Answering, converse};
use hipflask_http1::Limits;

/// Longer inputs are cut near their ends only.
const LONG: usize = 600;

struct Case {
    title: String,
    input: Vec<u8>,
    expected: Vec<String>,
}

/// Reads the file; its own comment says how it is written.
fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in include_str!("vectors.txt").lines() {
        let (mark, text) = line.split_at(line.len().min(2));
        match (mark, cases.last_mut()) {
            ("= ", _) => cases.push(Case {
                title: text.into(),
                input: vec![],
                expected: vec![],
            }),
            ("< ", Some(case)) => case.input.extend(unescape(text)),
            ("> ", Some(case)) => case.expected.push(text.into()),
            ("" | "# " | "#", _) => {}
            _ => panic!("vectors.txt: cannot read {line:?}"),
        }
    }
    cases
}

/// Expands `\r`, `\n`, `\t`, `\xNN`, `\\` and `{TEXT*NUMBER}`.
fn unescape(text: &str) -> Vec<u8> {
    if let Some((before, rest)) = text.split_once('{') {
        let (repeated, after) = rest.split_once('}').expect("a closing brace");
        let (part, count) = repeated.rsplit_once('*').expect("a star");
        let part = unescape(part).repeat(count.parse().expect("a number"));
        return [unescape(before), part, unescape(after)].concat();
    }
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'\\' => match rest.next() {
                Some(b'r') => b'\r',
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'\\') => b'\\',
                Some(b'x') => {
                    let digits = [rest.next().expect("a digit"), rest.next().expect("a digit")];
                    let digits = std::str::from_utf8(&digits).expect("ASCII");
                    u8::from_str_radix(digits, 16).expect("hexadecimal")
                }
                other => panic!("vectors.txt: no escape {other:?} in {text:?}"),
            },
            byte => byte,
        });
    }
    bytes
}

fn lines(pieces: &[&[u8]]) -> Vec<String> {
    let facts = converse(pieces, Limits::default(), Answering::AtEnd);
    facts.iter().flat_map(driver::Fact::lines).collect()
}

#[test]
fn each_vector_gives_what_it_says() {
    let mut failures = Vec::new();
    for case in cases() {
        let found = lines(&[&case.input]);
        if found != case.expected {
            failures.push(format!("= {}\n> {}", case.title, found.join("\n> ")));
        }
    }
    assert!(
        failures.is_empty(),
        "found instead:\n{}",
        failures.join("\n")
    );
}

#[test]
fn how_a_vector_is_cut_makes_no_difference() {
    for case in cases() {
        let input = &case.input;
        let offsets: Vec<usize> = if input.len() <= LONG {
            (1..input.len()).collect()
        } else {
            (1..64).chain(input.len() - 64..input.len()).collect()
        };
        for at in offsets {
            let (first, second) = input.split_at(at);
            assert_eq!(
                lines(&[first, second]),
                case.expected,
                "{} cut at {at}",
                case.title
            );
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        assert_eq!(lines(&bytes), case.expected, "{} byte by byte", case.title);
    }
}
