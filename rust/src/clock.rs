//! How fast a client is: time-outs for silence, and a minimum rate.

use std::time::{Duration, Instant};

use crate::config::{Settings, seconds};

/// Runs while something is expected of the client.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
    last: Instant,
    bytes: u64,
}

impl Clock {
    /// Starts one.
    pub const fn start(now: Instant) -> Self {
        Self {
            started: now,
            last: now,
            bytes: 0,
        }
    }

    /// Counts what has come or gone.
    pub fn count(&mut self, bytes: u64, now: Instant) {
        if bytes > 0 {
            self.bytes = self.bytes.saturating_add(bytes);
            self.last = now;
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
