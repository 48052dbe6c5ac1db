//! What holds for every input: how it is cut makes no difference, nothing is read after a refusal, and no
//! answer breaks out of its frame.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test may fail loudly
#![allow(clippy::arithmetic_side_effects)] // its numbers are its own

mod driver;

use driver::{Answering, FIELDS, Fact, converse};
use hipflask_http1::{Connection, Event, Limits, ResponseHead, is_field_value, is_token};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What requests, good and bad, are made of.
const WORDS: [&str; 58] = [
    "GET ",
    "HEAD ",
    "POST ",
    "OPTIONS ",
    "CONNECT ",
    "/",
    "/a?b",
    "*",
    "http://h/",
    "https://[::1]:80?q",
    "#",
    "foo",
    " HTTP/1.1",
    " HTTP/1.0",
    " HTTP/1.2",
    "HTTP/2.0",
    "\r\n",
    "\r\n\r\n",
    "\r",
    "\n",
    "\n\n",
    " ",
    "\t",
    ":",
    ": ",
    ";",
    ",",
    "Host",
    "Host: a",
    "Host: b:80",
    "Host: a@b",
    "Content-Length: 5",
    "Content-Length: 0",
    "content-length:",
    "Content-Length: 300",
    "Transfer-Encoding: chunked",
    "transfer-encoding:",
    "chunked",
    "gzip",
    "Connection: close",
    "connection: keep-alive",
    "Connection: Upgrade",
    "Upgrade: x",
    "Expect: 100-continue",
    "Content-Type: a/b",
    "X_Y: z",
    "X-Y: \u{e4}",
    "5\r\nhello\r\n",
    "hello",
    "0\r\n",
    "0\r\n\r\n",
    "5;a=b",
    "A",
    "\0",
    "\x7f",
    "Proxy: a",
    "0\r\nX: y\r\n\r\n",
    "fffffffffffffffff",
];

/// Good conversations, to be damaged.
const SEEDS: [&str; 8] = [
    "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n",
    "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\n",
    "GET http://h:80/a HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
    "\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\r\nGET / HTTP/1.0\r\n\r\n",
    "PUT /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n01234567890123456789",
    "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\u{0}\u{1}",
    "OPTIONS * HTTP/1.1\r\nHost: h\r\nX_A: 1\r\nProxy: 2\r\nX-B:\t3 \r\n\r\n",
];

/// A change of some bytes: replace, insert, or remove.
fn damage(text: &mut Vec<u8>, at: Index, kind: u8, byte: u8) {
    let at = at.index(text.len());
    match kind % 4 {
        0 => text[at] = byte,
        1 => text.insert(at, byte),
        2 => drop(text.remove(at)),
        _ => text.truncate(at + 1),
    }
}

fn word_soup() -> impl Strategy<Value = Vec<u8>> {
    vec(select(&WORDS[..]), 1..24).prop_map(|words| words.concat().into_bytes())
}

fn damaged_seed() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), select(&b"\r\n :,;0\t\0AZ/"[..])];
    (
        select(&SEEDS[..]),
        vec((any::<Index>(), any::<u8>(), byte), 0..4),
    )
        .prop_map(|(seed, changes)| {
            let mut text = seed.as_bytes().to_vec();
            for (at, kind, byte) in changes {
                damage(&mut text, at, kind, byte);
                if text.is_empty() {
                    break;
                }
            }
            text
        })
}

/// The limits that users have, or such small ones that short inputs meet them.
fn limits() -> impl Strategy<Value = Limits> {
    let small = (
        2..80usize,
        0..40usize,
        0..4usize,
        0..20usize,
        0..12u64,
        0..12u64,
        0..6u32,
        1..4u64,
    )
        .prop_map(
            |(head, field, fields, target, body, drain, extra, requests)| Limits {
                max_head_bytes: head,
                max_field_bytes: field,
                max_fields: fields,
                max_target_bytes: target,
                max_body_bytes: body,
                max_drain_bytes: drain,
                max_extension_bytes: extra,
                max_trailer_bytes: extra,
                max_requests: requests,
            },
        );
    prop_oneof![2 => Just(Limits::default()), 1 => small]
}

fn check_cuts(input: &[u8], limits: Limits, answering: Answering) -> Result<(), TestCaseError> {
    let whole = converse(&[input], limits, answering);
    for at in 1..input.len() {
        let (first, second) = input.split_at(at);
        prop_assert_eq!(
            &converse(&[first, second], limits, answering),
            &whole,
            "cut at {}",
            at
        );
    }
    let bytes: Vec<&[u8]> = input.chunks(1).collect();
    prop_assert_eq!(&converse(&bytes, limits, answering), &whole, "byte by byte");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn how_an_input_is_cut_makes_no_difference(
        input in prop_oneof![word_soup(), damaged_seed()],
        limits in limits(),
        answering in select(&[Answering::AtEnd, Answering::AtHead][..]),
    ) {
        check_cuts(&input, limits, answering)?;
    }

    #[test]
    fn any_bytes_are_survived(input in vec(any::<u8>(), 0..200), limits in limits()) {
        check_cuts(&input, limits, Answering::AtEnd)?;
    }

    #[test]
    fn nothing_is_read_after_a_refusal(input in prop_oneof![word_soup(), damaged_seed()]) {
        let facts = converse(&[&input], Limits::default(), Answering::AtEnd);
        if let Some(at) = facts.iter().position(|fact| matches!(fact, Fact::Refusal(..))) {
            prop_assert_eq!(&facts[at + 1..], &[Fact::Close][..]);
        }
        prop_assert_eq!(facts.last(), Some(&Fact::Close));
    }

    #[test]
    fn chunks_come_out_as_they_were_put_in(
        pieces in vec(vec(any::<u8>(), 1..300), 0..8),
        extension in "(;[a-z=\"]{0,9})?",
        trailers in vec("[A-Za-z-]{1,9}: [ -~]{0,20}\r\n", 0..3),
    ) {
        let mut input = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for piece in &pieces {
            input.extend(format!("{:X}{extension}\r\n", piece.len()).bytes());
            input.extend(piece);
            input.extend(b"\r\n");
        }
        input.extend(format!("0\r\n{}\r\n", trailers.concat()).bytes());
        let facts = converse(&[&input], Limits::default(), Answering::AtEnd);
        let body: Vec<u8> = facts.iter().find_map(|fact| match fact {
            Fact::Body(body) => Some(body.clone()),
            _ => None,
        }).unwrap_or_default();
        prop_assert_eq!(body, pieces.concat());
        prop_assert!(facts.contains(&Fact::End));
    }

    #[test]
    fn no_field_breaks_out_of_its_line(
        fields in vec((vec(any::<u8>(), 0..12), vec(any::<u8>(), 0..12)), 0..8),
        reason in vec(any::<u8>(), 0..6),
    ) {
        let mut connection = Connection::new(Limits::default());
        connection.receive(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", false).expect("good");
        let mut head = ResponseHead::new(200, &reason).or_else(|_| ResponseHead::new(200, b"")).expect("good");
        let mut pushed = 0;
        for (name, value) in &fields {
            let is_good = head.push(name, value).is_ok();
            prop_assert!(!is_good || (is_token(name) && is_field_value(value)));
            pushed += usize::from(is_good);
        }
        let mut output = Vec::new();
        connection.send_head(&head, Some(0), FIELDS, &mut output).expect("an answer is owed");
        let mut slots = [httparse::EMPTY_HEADER; 16];
        let mut response = httparse::Response::new(&mut slots);
        let parsed = response.parse(&output).expect("well-formed");
        prop_assert_eq!(parsed, httparse::Status::Complete(output.len()));
        prop_assert!(response.headers.len() <= pushed + 3); // Server, Date, Content-Length
    }

    #[test]
    fn a_sent_body_is_what_was_given(
        pieces in vec(vec(any::<u8>(), 0..300), 0..6),
        is_length_known in any::<bool>(),
    ) {
        let mut connection = Connection::new(Limits::default());
        connection.receive(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", false).expect("good");
        prop_assert_eq!(connection.receive(b"", false).expect("good").event, Event::End);
        let body = pieces.concat();
        let head = ResponseHead::new(200, b"").expect("good");
        let mut output = Vec::new();
        let size = is_length_known.then_some(body.len() as u64);
        connection.send_head(&head, size, FIELDS, &mut output).expect("an answer is owed");
        let head_size = output.len();
        for piece in &pieces {
            connection.send_body(piece, &mut output).expect("it was begun");
        }
        connection.finish(&mut output).expect("it is complete");
        let sent = &output[head_size..];
        if is_length_known {
            prop_assert_eq!(sent, &body[..]);
        } else {
            // A request with the same chunks is read back.
            let mut request = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
            request.extend(sent);
            let facts = converse(&[&request], Limits::default(), Answering::AtEnd);
            prop_assert!(body.is_empty() || facts.contains(&Fact::Body(body)));
            prop_assert!(facts.contains(&Fact::End));
        }
    }
}
