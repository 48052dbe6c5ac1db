"""The limits and time-outs of the server: one settings object, with the reason for each default."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a client may send, how long it may take, and how long the server waits for it.

    How many requests are served at a time is said by `hipflask.server.workers.PoolSettings`.

    Each value but *max_collected_bytes* is one of `hipflask.server.settings`, whose name is the field's without its
    unit: ``HIPFLASK_RUN_HEAD_TIMEOUT`` in the environment, ``SERVER_HEAD_TIMEOUT`` in the application's configuration.
    """

    head_timeout_seconds: float = 15.0
    """From the first chance to send a head until it is complete; no byte resets it (slowloris)."""
    keep_alive_timeout_seconds: float = 30.0
    """Silence between two requests of one connection."""
    body_timeout_seconds: float = 60.0
    """Silence inside a request body, while the application asks for it."""
    write_timeout_seconds: float = 60.0
    """Time in which the client takes not one byte of the answer."""
    min_rate_bytes: int = 240
    """Bytes a second, in both directions, that a client must manage after the grace time (as Kestrel). The native
    server on Linux counts what the client's system has taken of an answer, others what this one has."""
    rate_grace_seconds: float = 5.0
    """Waiting time before the minimum rate counts."""
    linger_timeout_seconds: float = 5.0
    """How long bytes are still taken and thrown away, so that the last answer is not lost in a reset."""
    max_head_bytes: int = 32 * 1024
    """Request line and header fields together: 431 beyond it, 414 if the request line is the cause."""
    max_field_bytes: int = 16 * 1024
    """One header line."""
    max_fields: int = 100
    """Header lines of one request."""
    max_target_bytes: int = 8192
    """The request target: 414 beyond it."""
    max_body_bytes: int = 100 * 1024 * 1024
    """A body longer than this is answered 413, whatever the application allows."""
    max_drain_bytes: int = 256 * 1024
    """An unread rest up to this size is thrown away to keep the connection; a longer one closes it."""
    max_requests: int = 10_000
    """Requests on one connection."""
    max_connections: int = 10_000
    """Open connections, as far as the process may have descriptors; more wait in the system's queue."""
    max_collected_bytes: int = 64 * 1024
    """A body up to this size has arrived before the application is called; a longer one is read as it arrives, by half
    of the threads at most. So much memory may each connection cost."""
    graceful_timeout_seconds: float = 30.0
    """How long requests that were accepted before a stop may take; what is left then is cut off."""
