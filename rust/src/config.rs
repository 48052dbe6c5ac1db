//! What the server can be told: one settings object for everything native, with the names that Python has.
//!
//! The defaults are Python's (`hipflask.server.limits`, `hipflask.server.native`), where their reasons stand.

use std::time::Duration;

use hipflask_http1::Limits;
use pyo3::FromPyObject;

/// Limits, time-outs and numbers; read from the attributes of the Python object of the same names.
#[derive(Debug, Clone, FromPyObject)]
pub struct Settings {
    pub head_timeout_seconds: f64,
    pub keep_alive_timeout_seconds: f64,
    pub body_timeout_seconds: f64,
    pub write_timeout_seconds: f64,
    pub min_rate_bytes: u64,
    pub rate_grace_seconds: f64,
    pub linger_timeout_seconds: f64,
    pub max_head_bytes: usize,
    pub max_field_bytes: usize,
    pub max_fields: usize,
    pub max_target_bytes: usize,
    pub max_body_bytes: u64,
    pub max_drain_bytes: u64,
    pub max_requests: u64,
    pub max_connections: usize,
    pub max_collected_bytes: usize,
    pub threads: usize,
    pub max_threads: usize,
    pub queue_size: usize,
    pub queue_timeout_seconds: f64,
    pub trusted_proxies: usize,
    pub is_multiprocess: bool,
    pub has_access_log: bool,
}

impl Settings {
    /// Returns what the protocol needs to know.
    pub fn limits(&self) -> Limits {
        Limits {
            max_head_bytes: self.max_head_bytes,
            max_field_bytes: self.max_field_bytes,
            max_fields: self.max_fields,
            max_target_bytes: self.max_target_bytes,
            max_body_bytes: self.max_body_bytes,
            max_drain_bytes: self.max_drain_bytes,
            max_requests: self.max_requests,
            ..Limits::default()
        }
    }

    /// Returns how many requests may be served while their body arrives: half of the threads are for others.
    pub fn most_streams(&self) -> usize {
        self.most_threads() / 2
    }

    /// Returns how many threads there may be.
    pub fn most_threads(&self) -> usize {
        match self.max_threads {
            0 => self.threads.saturating_mul(4),
            most => most.max(self.threads),
        }
    }
}

/// Returns a setting as a duration; a number that none can be made of means "never".
pub fn seconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value).unwrap_or(Duration::MAX)
}
