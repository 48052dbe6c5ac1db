//! How fast a client is: time-outs for silence, and a minimum rate.

use std::time::{Duration, Instant};

use crate::config::{Settings, seconds};

/// The steps in which a client's system may tell of room: up to a segment, which is this long on loopback.
const STEP_BYTES: u64 = 64 * 1024;

/// Runs while something is expected of the client.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    last: Instant,
    bytes: u64,
    total: Option<u64>,
}

impl Clock {
    /// Starts one.
    pub const fn start(now: Instant) -> Self {
        Self {
            started: now,
            last: now,
            bytes: 0,
            total: None,
        }
    }

    /// Counts what has come or gone.
    pub fn count(&mut self, bytes: u64, now: Instant) {
        if bytes > 0 {
            self.bytes = self.bytes.saturating_add(bytes);
            self.last = now;
        }
    }

    /// Counts what has gone, of which only the sum since the connection began is known.
    ///
    /// What a client took before the first look is to its credit, as far as its system may be silent about as much
    /// that it takes next: one that takes 2 KB/s through a window of 64 KiB tells of it every half minute.
    pub fn count_up_to(&mut self, total: u64, now: Instant) {
        match self.total.replace(total) {
            None => self.bytes = total.min(STEP_BYTES),
            Some(before) => self.count(total.saturating_sub(before), now),
        }
    }

    /// Whether nothing happened for `silence`, or too little since the start.
    pub fn is_over(&self, now: Instant, silence: Duration, settings: &Settings) -> bool {
        let elapsed = now.saturating_duration_since(self.started);
        if now.saturating_duration_since(self.last) >= silence {
            return true;
        }
        let owed = elapsed.as_secs().saturating_mul(settings.min_rate_bytes);
        elapsed > seconds(settings.rate_grace_seconds) && self.bytes < owed
    }
}
