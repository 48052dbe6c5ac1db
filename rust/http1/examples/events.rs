//! Reads one conversation a line, in hexadecimal, and prints what the state machine makes of it as one line
//! of JSON. What `tests/http1/test_against_h11.py` talks to.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // a tool may fail loudly
#![allow(clippy::arithmetic_side_effects)] // its numbers are its own

use std::fmt::Write as _;
use std::io::{BufRead as _, Write as _};

use driver::{Answering, Fact, Request, converse};
use hipflask_http1::Limits;

#[path = "../tests/driver/mod.rs"]
mod driver;

fn main() -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let input = from_hex(line?.trim());
        let facts = converse(&[&input], Limits::default(), Answering::AtEnd);
        let facts: Vec<String> = facts.iter().map(to_json).collect();
        writeln!(output, "[{}]", facts.join(", "))?;
        output.flush()?;
    }
    Ok(())
}

fn from_hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("hexadecimal digits");
    let byte =
        |pair: &[u8]| u8::try_from(digit(pair[0]) * 16 + digit(pair[1])).expect("two digits");
    text.as_bytes().chunks(2).map(byte).collect()
}

/// Quotes bytes as text of the same code points.
fn quote(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            0x20..0x7f => text.push(char::from(*byte)),
            _ => write!(text, "\\u{byte:04x}").expect("memory"),
        }
    }
    text + "\""
}

fn to_json(fact: &Fact) -> String {
    match fact {
        Fact::Request(request) => request_to_json(request),
        Fact::Body(data) => format!("{{\"event\": \"body\", \"data\": {}}}", quote(data)),
        Fact::End => "{\"event\": \"end\"}".into(),
        Fact::Answer(keeps_alive) => {
            format!("{{\"event\": \"answer\", \"keeps_alive\": {keeps_alive}}}")
        }
        Fact::Refusal(kind, _) => {
            format!(
                "{{\"event\": \"refusal\", \"status\": {}, \"kind\": \"{kind:?}\"}}",
                kind.status()
            )
        }
        Fact::Wait => "{\"event\": \"wait\"}".into(),
        Fact::Close => "{\"event\": \"close\"}".into(),
    }
}

fn request_to_json(request: &Request) -> String {
    let fields: Vec<String> = request
        .fields
        .iter()
        .map(|(name, value)| format!("[{}, {}]", quote(name), quote(value)))
        .collect();
    format!(
        "{{\"event\": \"request\", \"method\": {}, \"target\": {}, \"minor_version\": {}, \"fields\": [{}]}}",
        quote(&request.method),
        quote(&request.target),
        request.minor_version,
        fields.join(", ")
    )
}
