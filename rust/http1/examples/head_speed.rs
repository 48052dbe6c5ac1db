//! Measures what one request and its answer cost here, without any I/O:
//! `cargo run --release --example head_speed`.

#![allow(clippy::expect_used, clippy::indexing_slicing)] // a tool may fail loudly

use std::hint::black_box;
use std::time::Instant;

use hipflask_http1::{Connection, Event, Limits, RequestHead, ResponseHead, ServerFields};

/// Short windows, many of them: the least time is one in which nobody else wanted the core.
const ROUNDS: u32 = 1000;
const REPEATS: usize = 1000;

const ONE_FIELD: &[u8] = b"GET /hello?name=value HTTP/1.1\r\nHost: localhost:5000\r\n\r\n";
const NINE_FIELDS: &[u8] = b"GET /hello?name=value HTTP/1.1\r\n\
    Host: localhost:5000\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Connection: keep-alive\r\n\
    Cookie: session=eyJ1c2VyIjoxfQ.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n\
    Upgrade-Insecure-Requests: 1\r\n\
    Priority: u=0, i\r\n\r\n";
const BODY: &[u8] =
    b"POST /form HTTP/1.1\r\nHost: localhost:5000\r\nContent-Length: 11\r\n\r\nhello=world";

fn main() {
    for (name, input) in [
        ("1 field", ONE_FIELD),
        ("9 fields", NINE_FIELDS),
        ("a body", BODY),
    ] {
        let mut head = RequestHead::default();
        let bare = best(|connection| take_request(connection, input, &mut head));
        let mut head = ResponseHead::new(200, b"OK").expect("good");
        head.push(b"Content-Type", b"text/html; charset=utf-8")
            .expect("good");
        let mut output = Vec::new();
        let full = best(|connection| exchange(connection, input, &head, &mut output));
        println!("{name:9} request {bare:6.1} ns, with its answer {full:6.1} ns");
    }
    let mut head = ResponseHead::new(200, b"OK").expect("good");
    let checked = best(|_| {
        head.restart(200, b"OK").expect("good");
        head.push(b"Content-Type", b"text/html; charset=utf-8")
            .expect("good");
        head.push(b"Content-Length", b"13").expect("good");
        black_box(&head);
    });
    println!("an answer's head of 2 fields, checked {checked:6.1} ns");
    let parsed = best(|_| {
        let mut slots = [httparse::EMPTY_HEADER; 16];
        black_box(
            httparse::Request::new(&mut slots)
                .parse(black_box(NINE_FIELDS))
                .is_ok(),
        );
    });
    println!("httparse alone, 9 fields {parsed:6.1} ns");
}

/// The least time of one exchange.
fn best(mut exchange: impl FnMut(&mut Connection)) -> f64 {
    let limits = Limits {
        max_requests: u64::MAX,
        ..Limits::default()
    };
    let mut best = f64::INFINITY;
    for _ in 0..REPEATS {
        let mut connection = Connection::new(limits);
        let started = Instant::now();
        for _ in 0..ROUNDS {
            exchange(&mut connection);
        }
        best = best.min(nanoseconds(started));
    }
    best
}

fn nanoseconds(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS)
}

/// Takes one request on a new connection, with the memory of the last one's head.
fn take_request(connection: &mut Connection, input: &[u8], head: &mut RequestHead) {
    *connection = Connection::new(Limits::default());
    connection.swap_head(head);
    receive(connection, input);
    connection.swap_head(head);
}

/// Takes one request and answers it.
fn exchange(connection: &mut Connection, input: &[u8], head: &ResponseHead, output: &mut Vec<u8>) {
    receive(connection, input);
    output.clear();
    let fields = ServerFields {
        server: b"hipflask",
        date: b"Thu, 01 Jan 1970 00:00:00 GMT",
    };
    connection
        .send_head(head, Some(13), fields, output)
        .expect("owed");
    connection
        .send_body(b"Hello, World!", output)
        .expect("begun");
    connection.finish(output).expect("complete");
    black_box(output);
}

fn receive(connection: &mut Connection, input: &[u8]) {
    let mut rest = black_box(input);
    loop {
        let received = connection.receive(rest, false).expect("good");
        if black_box(received.event) == Event::End {
            return;
        }
        rest = &rest[received.consumed..];
    }
}
