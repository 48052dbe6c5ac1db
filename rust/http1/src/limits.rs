//! How much a client may send: one settings object for a connection's whole life.

/// Sizes and counts that bound what one connection can cost.
///
/// The defaults are the server's; each is answered when it is hit (413, 414, 431), never silently cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Request line and fields together, in bytes: 431 beyond it.
    pub max_head_bytes: usize,
    /// One field line, in bytes without its line end: 431 beyond it.
    pub max_field_bytes: usize,
    /// Field lines of one request: 431 beyond it (hyper, Kestrel and gunicorn: 100).
    pub max_fields: usize,
    /// The request target, in bytes: 414 beyond it.
    pub max_target_bytes: usize,
    /// A request body, in bytes: 413 beyond it.
    pub max_body_bytes: u64,
    /// An unread rest of a body up to this size is thrown away to keep the connection; a longer one
    /// closes it.
    pub max_drain_bytes: u64,
    /// Chunk extensions of one body together, in bytes (hyper: the same). They are checked and dropped.
    pub max_extension_bytes: u32,
    /// The trailer section of one body, in bytes. Trailers are checked and dropped.
    pub max_trailer_bytes: u32,
    /// Requests on one connection; the answer to the last one closes it.
    pub max_requests: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_head_bytes: 32 * 1024,
            max_field_bytes: 16 * 1024,
            max_fields: 100,
            max_target_bytes: 8192,
            max_body_bytes: 100 * 1024 * 1024,
            max_drain_bytes: 256 * 1024,
            max_extension_bytes: 16 * 1024,
            max_trailer_bytes: 16 * 1024,
            max_requests: 10_000,
        }
    }
}
