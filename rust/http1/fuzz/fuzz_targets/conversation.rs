//! Any bytes, cut in any way, give the same facts, and never a panic:
//! `cargo +nightly fuzz run conversation -- -dict=fuzz/http1.dict -max_len=600`.
//!
//! The first bytes of an input choose limits, the moment of the answer and the cuts; the rest is what
//! arrives.

#![no_main]

use driver::{Answering, converse};
use hipflask_http1::Limits;
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/driver/mod.rs"]
mod driver;

fuzz_target!(|data: &[u8]| {
    let Some((&[choice, cut, step], input)) = data.split_first_chunk::<3>() else {
        return;
    };
    let limits = if choice & 1 == 0 {
        Limits::default()
    } else {
        small_limits()
    };
    let answering = if choice & 2 == 0 {
        Answering::AtEnd
    } else {
        Answering::AtHead
    };
    let whole = converse(&[input], limits, answering);
    let (first, second) = input.split_at(usize::from(cut).min(input.len()));
    assert_eq!(converse(&[first, second], limits, answering), whole);
    let pieces: Vec<&[u8]> = input.chunks(usize::from(step % 8) + 1).collect();
    if !pieces.is_empty() {
        assert_eq!(converse(&pieces, limits, answering), whole);
    }
});

/// Limits that short inputs meet.
fn small_limits() -> Limits {
    Limits {
        max_head_bytes: 120,
        max_field_bytes: 40,
        max_fields: 3,
        max_target_bytes: 20,
        max_body_bytes: 30,
        max_drain_bytes: 20,
        max_extension_bytes: 8,
        max_trailer_bytes: 12,
        max_requests: 3,
    }
}
