//! Whole exchanges: answers, interim answers, unread bodies, the end of connections, other protocols.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a test may fail loudly
#![allow(clippy::arithmetic_side_effects)] // its numbers are its own

mod driver;

use driver::FIELDS;
use hipflask_http1::{
    AnswerError, Connection, ErrorKind, Event, Limits, Receiving, Refusal, RequestHead,
    ResponseHead, Sending,
};

const HEAD_END: &str = "Server: test\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

/// A connection on which a head has arrived, and the events after it in the same input.
fn connection(input: &str) -> Connection {
    let mut connection = Connection::new(Limits::default());
    let received = connection.receive(input.as_bytes(), false).expect("good");
    assert!(matches!(received.event, Event::Request(_)));
    connection
}

/// A connection on which a request without a body is complete.
fn get(line: &str, fields: &str) -> Connection {
    let mut connection = connection(&format!("{line}\r\nHost: h\r\n{fields}\r\n"));
    assert_eq!(next(&mut connection, b""), Event::End);
    connection
}

fn next<'a>(connection: &mut Connection, input: &'a [u8]) -> Event<'a> {
    connection.receive(input, false).expect("good").event
}

/// Answers with a status, fields, and a body in pieces.
fn answer(
    connection: &mut Connection,
    status: u16,
    fields: &[(&str, &str)],
    size: Option<u64>,
    pieces: &[&str],
) -> String {
    let mut head = ResponseHead::new(status, b"").expect("good");
    for (name, value) in fields {
        head.push(name.as_bytes(), value.as_bytes()).expect("good");
    }
    let mut output = Vec::new();
    connection
        .send_head(&head, size, FIELDS, &mut output)
        .expect("owed");
    for piece in pieces {
        connection
            .send_body(piece.as_bytes(), &mut output)
            .expect("begun");
    }
    connection.finish(&mut output).expect("complete");
    String::from_utf8(output)
        .expect("ASCII")
        .replace(HEAD_END, "")
}

#[test]
fn an_answer_of_known_size_has_a_length() {
    let mut connection = get("GET / HTTP/1.1", "");
    let text = answer(
        &mut connection,
        200,
        &[("X", "y")],
        Some(5),
        &["hel", "", "lo"],
    );
    assert_eq!(
        text,
        "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\nhello"
    );
    assert!(connection.is_idle());
    assert_eq!(
        (
            connection.receiving(),
            connection.sending(),
            connection.requests()
        ),
        (Receiving::Idle, Sending::Idle, 1)
    );
}

#[test]
fn an_answer_of_unknown_size_is_chunked() {
    let mut connection = get("GET / HTTP/1.1", "");
    let text = answer(
        &mut connection,
        200,
        &[],
        None,
        &["hello", "", "0123456789abcdef"],
    );
    let body = "5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
    assert_eq!(
        text,
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
    );
}

#[test]
fn an_answer_of_unknown_size_to_version_1_0_ends_with_the_connection() {
    let mut connection = get("GET / HTTP/1.0", "Connection: keep-alive\r\n");
    assert_eq!(
        answer(&mut connection, 200, &[], None, &["a"]),
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\na"
    );
    assert_eq!(connection.sending(), Sending::Closed);
    assert!(!connection.is_aborted());
    let mut connection = get("GET / HTTP/1.0", "Connection: keep-alive\r\n");
    let text = answer(&mut connection, 200, &[], Some(1), &["a"]);
    assert_eq!(
        text,
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na"
    );
    assert_eq!(connection.sending(), Sending::Idle);
}

#[test]
fn answers_without_a_body_send_none() {
    for (line, status, head) in [
        (
            "HEAD / HTTP/1.1",
            200,
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        ),
        ("GET / HTTP/1.1", 204, "HTTP/1.1 204 No Content\r\n\r\n"),
        (
            "GET / HTTP/1.1",
            205,
            "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            "GET / HTTP/1.1",
            304,
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        ),
    ] {
        let mut connection = get(line, "");
        assert_eq!(
            answer(
                &mut connection,
                status,
                &[("Content-Length", "9")],
                None,
                &["oops"]
            ),
            head
        );
        assert_eq!(connection.sending(), Sending::Idle);
    }
    let mut connection = get("HEAD / HTTP/1.1", "");
    assert!(!connection.is_body_absent());
    let head = ResponseHead::new(200, b"").expect("good");
    connection
        .send_head(&head, None, FIELDS, &mut Vec::new())
        .expect("owed");
    assert!(connection.is_body_absent());
}

#[test]
fn a_body_that_is_not_its_length_breaks_the_connection() {
    for (pieces, error) in [
        (&["hello", "!"][..], AnswerError::BodyTooLong),
        (&["hell"], AnswerError::BodyTooShort),
    ] {
        let mut connection = get("GET / HTTP/1.1", "");
        let head = ResponseHead::new(200, b"").expect("good");
        let mut output = Vec::new();
        connection
            .send_head(&head, Some(5), FIELDS, &mut output)
            .expect("owed");
        let sent: Result<(), AnswerError> = pieces
            .iter()
            .try_for_each(|piece| connection.send_body(piece.as_bytes(), &mut output));
        assert_eq!(
            sent.and_then(|()| connection.finish(&mut output)),
            Err(error)
        );
        assert!(connection.is_aborted());
        assert_eq!(connection.sending(), Sending::Closed);
        assert_eq!(connection.finish(&mut output), Err(AnswerError::OutOfOrder));
        assert_eq!(
            next(&mut connection, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
            Event::Closed
        );
    }
}

#[test]
fn answers_come_in_order_or_not_at_all() {
    let mut connection = Connection::new(Limits::default());
    let head = ResponseHead::new(200, b"").expect("good");
    let mut output = Vec::new();
    assert_eq!(
        connection.send_head(&head, None, FIELDS, &mut output),
        Err(AnswerError::OutOfOrder)
    );
    assert_eq!(
        connection.send_body(b"x", &mut output),
        Err(AnswerError::OutOfOrder)
    );
    assert_eq!(connection.finish(&mut output), Err(AnswerError::OutOfOrder));
    let mut connection = get("GET / HTTP/1.1", "");
    connection
        .send_head(&head, None, FIELDS, &mut output)
        .expect("owed");
    assert_eq!(
        connection.send_head(&head, None, FIELDS, &mut output),
        Err(AnswerError::OutOfOrder)
    );
    let received = connection
        .receive(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n", false)
        .expect("good");
    assert_eq!((received.consumed, received.event), (0, Event::Paused));
}

#[test]
fn the_application_may_close() {
    let mut connection = get("GET / HTTP/1.1", "");
    let text = answer(
        &mut connection,
        200,
        &[("Connection", "x, Close")],
        Some(0),
        &[],
    );
    assert_eq!(
        text,
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(next(&mut connection, b"GET /"), Event::Closed);
}

#[test]
fn a_server_that_stops_closes_after_the_answer() {
    let mut connection = get("GET / HTTP/1.1", "");
    assert!(connection.keeps_alive());
    connection.close_after_answer();
    assert!(!connection.keeps_alive());
    assert!(answer(&mut connection, 200, &[], Some(0), &[]).contains("Connection: close"));
    // the same when the head has promised otherwise
    let mut connection = get("GET / HTTP/1.1", "");
    let head = ResponseHead::new(200, b"").expect("good");
    connection
        .send_head(&head, Some(0), FIELDS, &mut Vec::new())
        .expect("owed");
    connection.close_after_answer();
    connection.finish(&mut Vec::new()).expect("complete");
    assert_eq!(connection.sending(), Sending::Closed);
}

#[test]
fn the_last_of_many_requests_closes() {
    let limits = Limits {
        max_requests: 2,
        ..Limits::default()
    };
    let mut connection = Connection::new(limits);
    for is_last in [false, true] {
        next(&mut connection, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        next(&mut connection, b"");
        assert_eq!(
            answer(&mut connection, 200, &[], Some(0), &[]).contains("close"),
            is_last
        );
    }
}

#[test]
fn a_client_that_waits_is_told_to_go_on() {
    let mut connection = connection(
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    );
    assert_eq!(next(&mut connection, b""), Event::NeedData);
    assert!(connection.awaits_continue());
    let mut output = Vec::new();
    connection.send_continue(&mut output);
    connection.send_continue(&mut output);
    assert_eq!(output, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(next(&mut connection, b"hi"), Event::Body(b"hi"));
    assert_eq!(next(&mut connection, b""), Event::End);
    assert!(!answer(&mut connection, 200, &[], Some(0), &[]).contains("close"));
}

#[test]
fn a_client_that_waits_in_vain_is_closed() {
    let mut connection = connection(
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 43\r\n\r\n",
    );
    let text = answer(&mut connection, 404, &[], Some(0), &[]);
    assert!(text.contains("Connection: close") && !text.contains("100"));
    let smuggled = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let received = connection.receive(smuggled, false).expect("good");
    assert_eq!(
        (received.consumed, received.event),
        (smuggled.len(), Event::Closed)
    );
}

#[test]
fn nobody_waits_without_a_body_or_in_version_1_0() {
    assert!(
        !connection("GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n").awaits_continue()
    );
    assert!(
        !connection("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
            .awaits_continue()
    );
}

#[test]
fn an_unread_body_is_thrown_away_before_the_next_request() {
    for body in [
        "Content-Length: 5\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
    ] {
        let input =
            format!("POST / HTTP/1.1\r\nHost: h\r\n{body}GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
        let mut connection = Connection::new(Limits::default());
        let mut rest = input.as_bytes();
        let received = connection.receive(rest, false).expect("good");
        rest = &rest[received.consumed..];
        assert!(!answer(&mut connection, 200, &[], Some(0), &[]).contains("close"));
        assert_eq!(connection.receiving(), Receiving::Draining);
        let received = connection.receive(rest, false).expect("good");
        assert_eq!(
            received.event,
            Event::Request(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
        );
        assert_eq!(received.consumed, rest.len());
    }
}

#[test]
fn a_long_unread_body_closes_the_connection() {
    let mut by_length = connection("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 262145\r\n\r\n");
    assert!(answer(&mut by_length, 200, &[], Some(0), &[]).contains("Connection: close"));
    assert_eq!(by_length.sending(), Sending::Closed);
    // chunks do not say how many of them there are
    let mut chunked =
        connection("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert!(!answer(&mut chunked, 200, &[], Some(0), &[]).contains("close"));
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(65536));
    for _ in 0..3 {
        assert_eq!(next(&mut chunked, chunk.as_bytes()), Event::NeedData);
    }
    assert_eq!(next(&mut chunked, chunk.as_bytes()), Event::Closed);
}

#[test]
fn a_broken_unread_body_ends_the_connection_without_a_second_answer() {
    let mut connection =
        connection("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    answer(&mut connection, 200, &[], Some(0), &[]);
    assert_eq!(connection.receive(b"x", false), Err(ErrorKind::ChunkSize));
    let mut output = Vec::new();
    assert!(!connection.refuse(ErrorKind::ChunkSize.into(), FIELDS, &mut output));
    assert!(output.is_empty() && !connection.is_aborted());
    assert_eq!(connection.sending(), Sending::Closed);
}

#[test]
fn a_broken_body_can_be_answered_by_the_application() {
    let mut connection =
        connection("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(connection.receive(b"x", false), Err(ErrorKind::ChunkSize));
    assert_eq!(
        next(&mut connection, b"GET /smuggled HTTP/1.1\r\n"),
        Event::Closed
    );
    assert!(answer(&mut connection, 400, &[], Some(0), &[]).contains("Connection: close"));
    assert_eq!(connection.sending(), Sending::Closed);
}

#[test]
fn a_body_cut_short_is_an_error_and_never_an_end() {
    let mut connection = connection("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(
        connection.receive(b"hell", true).expect("good").event,
        Event::Body(b"hell")
    );
    assert_eq!(
        connection.receive(b"", true),
        Err(ErrorKind::IncompleteBody)
    );
    assert_eq!(connection.receiving(), Receiving::Failed);
}

#[test]
fn a_request_whose_client_sends_no_more_is_answered() {
    let mut connection = get("GET / HTTP/1.1", "");
    assert_eq!(
        connection.receive(b"", true).expect("good").event,
        Event::Paused
    );
    answer(&mut connection, 200, &[], Some(0), &[]);
    assert_eq!(
        connection.receive(b"", true).expect("good").event,
        Event::Closed
    );
    assert_eq!(connection.sending(), Sending::Closed);
}

#[test]
fn a_refused_request_is_answered_once() {
    let mut connection = Connection::new(Limits::default());
    assert_eq!(
        connection.receive(b"GET * HTTP/1.1\r\n", false),
        Err(ErrorKind::TargetForm)
    );
    let mut output = Vec::new();
    assert!(connection.refuse(ErrorKind::TargetForm.into(), FIELDS, &mut output));
    assert!(output.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
    assert!(
        output.ends_with(
            b"Connection: close\r\n\r\n400 Bad Request: request target of a wrong form\n"
        )
    );
    assert!(!connection.refuse(ErrorKind::TargetForm.into(), FIELDS, &mut output));
    assert_eq!(
        next(&mut connection, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"),
        Event::Closed
    );
}

#[test]
fn the_server_may_refuse_at_any_time() {
    let refusal = Refusal {
        retry_after_seconds: Some(1),
        ..Refusal::new(503, "overloaded")
    };
    let mut output = Vec::new();
    assert!(get("HEAD / HTTP/1.1", "").refuse(refusal, FIELDS, &mut output));
    assert!(output.ends_with(b"Retry-After: 1\r\nConnection: close\r\n\r\n"));
    // half a head: a time-out
    let mut connection = Connection::new(Limits::default());
    assert_eq!(next(&mut connection, b"GET / HT"), Event::NeedData);
    assert!(!connection.is_idle());
    assert!(connection.refuse(
        Refusal::new(408, "head not complete in time"),
        FIELDS,
        &mut output
    ));
    assert_eq!(
        (connection.receiving(), connection.sending()),
        (Receiving::Closed, Sending::Closed)
    );
    // an answer that was begun is broken off
    let mut connection = get("GET / HTTP/1.1", "");
    let head = ResponseHead::new(200, b"").expect("good");
    connection
        .send_head(&head, None, FIELDS, &mut output)
        .expect("owed");
    assert!(!connection.refuse(refusal, FIELDS, &mut output));
    assert!(connection.is_aborted());
}

#[test]
fn an_offered_protocol_can_be_switched_to() {
    let mut connection = get(
        "GET /ws HTTP/1.1",
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
    );
    let mut output = Vec::new();
    assert_eq!(
        connection.accept_upgrade(b"a\r\nb", &[], &mut output),
        Err(AnswerError::Value)
    );
    assert_eq!(
        connection.accept_upgrade(b"a", &[(b"X Y", b"z")], &mut output),
        Err(AnswerError::Name)
    );
    connection
        .accept_upgrade(
            b"websocket",
            &[(b"Sec-WebSocket-Accept", b"x=")],
            &mut output,
        )
        .expect("offered");
    let text = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x=\r\n\r\n";
    assert_eq!(output, text.as_bytes());
    let received = connection.receive(b"\x81\x82", false).expect("good");
    assert_eq!((received.consumed, received.event), (0, Event::Switched));
    assert_eq!(connection.sending(), Sending::Switched);
    assert_eq!(
        get("GET / HTTP/1.1", "").accept_upgrade(b"x", &[], &mut output),
        Err(AnswerError::OutOfOrder)
    );
}

#[test]
fn a_head_can_travel() {
    let bytes = b"GET /a?b HTTP/1.0\r\nX: y\r\n\r\n";
    let mut connection = connection(std::str::from_utf8(bytes).expect("ASCII"));
    let mut head = RequestHead::default();
    connection.swap_head(&mut head);
    let copy = bytes.to_vec();
    assert_eq!(
        (head.target.of(&copy), head.path(&copy)),
        (&b"/a?b"[..], &b"/a"[..])
    );
    assert_eq!(
        head.fields(&copy).collect::<Vec<_>>(),
        [(&b"X"[..], &b"y"[..])]
    );
    assert_eq!(next(&mut connection, b""), Event::End);
    // the version is still known
    assert!(answer(&mut connection, 200, &[], None, &[]).contains("Connection: close"));
}

#[test]
fn a_piece_can_be_written_by_the_caller() {
    let mut connection = get("GET / HTTP/1.1", "");
    let head = ResponseHead::new(200, b"").expect("good");
    connection
        .send_head(&head, None, FIELDS, &mut Vec::new())
        .expect("owed");
    let frame = connection.frame_body(300).expect("begun");
    assert_eq!(
        (frame.prefix(), frame.take(), frame.suffix()),
        (&b"12c\r\n"[..], 300, &b"\r\n"[..])
    );
}
