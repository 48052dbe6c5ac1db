//! Holds a conversation with a `Connection` the way a server does, and writes down what happened.
//!
//! Shared by the tests, the `events` example and the fuzz target.

#![allow(dead_code)] // not each of them uses everything

use hipflask_http1::{
    Connection, ErrorKind, Event, Framing, Limits, ResponseHead, Sending, ServerFields,
};

/// The server's fields, the same each time.
pub const FIELDS: ServerFields<'_> = ServerFields {
    server: b"test",
    date: b"Thu, 01 Jan 1970 00:00:00 GMT",
};

/// When a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// When all of it has arrived.
    AtEnd,
    /// As soon as its head is there; the body is left unread.
    AtHead,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A request's head.
    Request(Box<Request>),
    /// All of a body that was read without another event between.
    Body(Vec<u8>),
    /// A request was complete.
    End,
    /// It was answered; whether the answer promised to go on.
    Answer(bool),
    /// The input was refused; whether an answer to that was sent.
    Refusal(ErrorKind, bool),
    /// More input was needed when there was none.
    Wait,
    /// The connection ended.
    Close,
}

/// A head, copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Vec<u8>,
    /// The target as sent.
    pub target: Vec<u8>,
    /// The host it is for.
    pub host: Vec<u8>,
    /// The target's path.
    pub path: Vec<u8>,
    /// The target's query.
    pub query: Option<Vec<u8>>,
    /// Names and values.
    pub fields: Vec<(Vec<u8>, Vec<u8>)>,
    /// 1 or 0.
    pub minor_version: u8,
    /// How the body is delimited.
    pub body: Framing,
    /// What the flags say, in words.
    pub flags: Vec<&'static str>,
}

/// Gives the pieces one after the other, then the end, and returns what happened.
///
/// # Panics
///
/// If the connection breaks a promise of its interface.
pub fn converse(pieces: &[&[u8]], limits: Limits, answering: Answering) -> Vec<Fact> {
    let mut talk = Talk {
        connection: Connection::new(limits),
        answering,
        facts: Vec::new(),
    };
    let mut buffer = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let consumed = talk.take(&buffer, false);
        buffer.drain(..consumed);
    }
    talk.note_wait();
    talk.take(&buffer, true);
    talk.facts
}

struct Talk {
    connection: Connection,
    answering: Answering,
    facts: Vec<Fact>,
}

impl Talk {
    /// Takes all events that the buffer gives; returns how much of it is done with.
    fn take(&mut self, buffer: &[u8], is_eof: bool) -> usize {
        let mut at = 0;
        loop {
            let input = &buffer[at..];
            let received = match self.connection.receive(input, is_eof) {
                Ok(received) => received,
                Err(kind) => {
                    let is_answered = self.connection.refuse(kind.into(), FIELDS, &mut Vec::new());
                    self.facts.push(Fact::Refusal(kind, is_answered));
                    continue;
                }
            };
            assert!(
                received.consumed <= input.len(),
                "more was consumed than there was"
            );
            at += received.consumed;
            match received.event {
                Event::NeedData => {
                    assert!(!is_eof, "more data was asked for after the end");
                    return at;
                }
                Event::Closed => {
                    assert_eq!(at, buffer.len(), "a closed connection left bytes");
                    assert_eq!(self.connection.sending(), Sending::Closed);
                    if self.facts.last() != Some(&Fact::Close) {
                        self.facts.push(Fact::Close);
                    }
                    return at;
                }
                event => self.note(event),
            }
        }
    }

    fn note(&mut self, event: Event<'_>) {
        match event {
            Event::Request(bytes) => {
                self.facts
                    .push(Fact::Request(Box::new(copy(self.connection.head(), bytes))));
                if self.answering == Answering::AtHead {
                    self.answer();
                }
            }
            Event::Body(data) => {
                assert!(!data.is_empty(), "a piece of a body was empty");
                match self.facts.last_mut() {
                    Some(Fact::Body(body)) => body.extend_from_slice(data),
                    _ => self.facts.push(Fact::Body(data.to_vec())),
                }
            }
            Event::End => {
                self.facts.push(Fact::End);
                self.answer();
            }
            event => panic!("{event:?} cannot come here"),
        }
    }

    fn answer(&mut self) {
        let mut output = Vec::new();
        let head = ResponseHead::new(200, b"").expect("good");
        self.connection
            .send_head(&head, Some(2), FIELDS, &mut output)
            .expect("an answer is owed");
        self.connection
            .send_body(b"ok", &mut output)
            .expect("it was begun");
        self.connection.finish(&mut output).expect("it is complete");
        let closes = output
            .windows(19)
            .any(|part| part == b"\r\nConnection: close\r");
        self.facts.push(Fact::Answer(!closes));
    }

    fn note_wait(&mut self) {
        if self.facts.last() != Some(&Fact::Close) {
            self.facts.push(Fact::Wait);
        }
    }
}

fn copy(head: &hipflask_http1::RequestHead, bytes: &[u8]) -> Request {
    let flags = [
        (head.is_keep_alive, "keep-alive"),
        (head.expects_continue, "expects-continue"),
        (head.is_upgrade, "upgrade"),
    ];
    Request {
        method: head.method.of(bytes).to_vec(),
        target: head.target.of(bytes).to_vec(),
        host: head.host.of(bytes).to_vec(),
        path: head.path(bytes).to_vec(),
        query: head.query.map(|query| query.of(bytes).to_vec()),
        fields: head
            .fields(bytes)
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect(),
        minor_version: head.minor_version,
        body: head.body,
        flags: flags
            .iter()
            .filter(|(is_set, _)| *is_set)
            .map(|(_, flag)| *flag)
            .collect(),
    }
}

impl Fact {
    /// The fact as lines of text, as the vector file has them.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Request(request) => request.lines(),
            Self::Body(data) if data.len() > 80 => vec![format!("body of {} bytes", data.len())],
            Self::Body(data) => vec![format!("body {}", data.escape_ascii())],
            Self::End => vec!["end".into()],
            Self::Answer(true) => vec!["answer".into()],
            Self::Answer(false) => vec!["answer, close".into()],
            Self::Refusal(kind, true) => vec![format!("{} {kind:?}", kind.status())],
            Self::Refusal(kind, false) => vec![format!("broken off {kind:?}")],
            Self::Wait => vec!["wait".into()],
            Self::Close => vec!["close".into()],
        }
    }
}

impl Request {
    fn lines(&self) -> Vec<String> {
        let show = |bytes: &[u8]| match bytes.len() {
            0..=200 => bytes.escape_ascii().to_string(),
            size => format!("({size} bytes)"),
        };
        let mut words = vec![
            show(&self.method),
            format!("host={}", show(&self.host)),
            format!("path={}", show(&self.path)),
        ];
        words.extend(
            self.query
                .iter()
                .map(|query| format!("query={}", show(query))),
        );
        match self.body {
            Framing::Length(0) => {}
            Framing::Length(length) => words.push(format!("length={length}")),
            Framing::Chunked => words.push("chunked".into()),
        }
        words.extend(self.flags.iter().map(ToString::to_string));
        let fields = self
            .fields
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case(b"host"));
        std::iter::once(words.join(" "))
            .chain(fields.map(|(name, value)| format!("field {}: {}", show(name), show(value))))
            .collect()
    }
}
