//! HTTP/1.1 in the server's role: bytes in, events out, and the bytes of answers.
//!
//! This crate knows no sockets, no clock and no Python. A [`Connection`] is given what has arrived and
//! returns [`Event`]s that borrow from it; the application's answer goes through [`ResponseHead`], which
//! checks names and values once, and comes out framed. What one side may do next is in one table
//! (`state`), what is refused and with which status in another ([`ErrorKind`]).
//!
//! The reading is strict (RFC 9112, 11.2): what two implementations could read in two ways is refused,
//! and after a refusal not one more byte of the connection is read as a request.
//!
//! ```
//! use hipflask_http1::{Connection, Event, Limits, ResponseHead, ServerFields};
//!
//! let mut connection = Connection::new(Limits::default());
//! let mut input: &[u8] = b"POST /a?b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi";
//! let mut body = Vec::new();
//! loop {
//!     let received = connection.receive(input, false)?;
//!     match received.event {
//!         Event::Request(bytes) => {
//!             assert_eq!(connection.head().method.of(bytes), b"POST");
//!             assert_eq!(connection.head().path(bytes), b"/a");
//!         }
//!         Event::Body(data) => body.extend_from_slice(data),
//!         _ => break, // the end of the request
//!     }
//!     input = &input[received.consumed..];
//! }
//! assert_eq!(body, b"hi");
//!
//! let mut head = ResponseHead::new(200, b"OK")?;
//! head.push(b"Content-Type", b"text/plain")?;
//! let mut output = Vec::new();
//! let fields = ServerFields { server: b"hipflask", date: b"Thu, 01 Jan 1970 00:00:00 GMT" };
//! connection.send_head(&head, Some(5), fields, &mut output)?;
//! connection.send_body(b"hello", &mut output)?;
//! connection.finish(&mut output)?;
//! assert!(output.starts_with(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"));
//! assert!(output.ends_with(b"\r\n\r\nhello"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(
    test,
    allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)
)] // a test may fail loudly

mod body;
mod chunked;
mod connection;
mod date;
mod error;
mod fields;
mod framing;
mod grammar;
mod head;
mod host;
mod limits;
mod response;
mod scan;
mod sending;
mod state;
mod status;
mod target;

pub use connection::{Connection, Event, Received};
pub use date::http_date;
pub use error::{AnswerError, ErrorKind};
pub use framing::BodyFrame;
pub use grammar::{is_field_value, is_token};
pub use head::{Field, Framing, RequestHead, Span};
pub use host::is_host;
pub use limits::Limits;
pub use response::{Refusal, ResponseHead, ServerFields};
pub use state::{Receiving, Sending};
pub use status::reason_phrase;
