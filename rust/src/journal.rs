//! What is told of answers and refusals: kept here until Python asks, so that telling costs no wake.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::request::Request;

/// Refusals that are kept between two reports; more are only counted.
const MOST_REFUSALS: usize = 10;
/// Answers likewise: somebody who does not ask must not cost memory.
const MOST_ANSWERS: usize = 65_536;

/// One answer.
#[derive(Debug)]
pub struct Answered {
    pub request: Arc<Request>,
    pub status: u16,
    pub body_bytes: u64,
    pub duration: Duration,
    pub is_complete: bool,
}

/// One refusal.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    pub peer: Option<SocketAddr>,
    pub status: u16,
    pub reason: &'static str,
}

/// What has happened since somebody asked.
#[derive(Debug, Default)]
pub struct Report {
    pub answers: Vec<Answered>,
    pub refusals: Vec<Refused>,
    pub left_out_refusals: u64,
    pub left_out_answers: u64,
}

/// The journal.
#[derive(Debug, Default)]
pub struct Journal {
    report: Mutex<Report>,
}

impl Journal {
    /// Takes everything.
    pub fn take(&self) -> Report {
        std::mem::take(&mut *self.report.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds what one round of the I/O thread has gathered.
    pub fn add(&self, round: &mut Report) {
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_ANSWERS.saturating_sub(report.answers.len());
        let left_out = round.answers.len().saturating_sub(room) as u64;
        report.left_out_answers = report.left_out_answers.saturating_add(left_out);
        round.answers.truncate(room);
        report.answers.append(&mut round.answers);
        for refusal in round.refusals.drain(..) {
            if report.refusals.len() < MOST_REFUSALS {
                report.refusals.push(refusal);
            } else {
                report.left_out_refusals = report.left_out_refusals.saturating_add(1);
            }
        }
    }
}
