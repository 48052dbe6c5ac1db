"""Limits for those who ask too often: 429, and when to come back.

The counters are in this process. With several worker processes each has its own, and a client gets as many times more;
a board on several machines would keep them in a shared place (Redis, say) behind the same functions.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from hipflask import Flask, current_app, g, request
from hipflask.http.exceptions import TooManyRequests

from .config import DEFAULTS

LARGEST_TABLE = 10_000  # clients; those that were quiet for longest are forgotten first
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class RateLimiter:
    """Counts what clients do, in one number for each: when all of it will be paid off.

    An action costs `seconds / count`, and debts are paid off as time goes by. Nobody may be more than `seconds` in
    debt: that allows `count` actions at once, and then one for each part of the time.

    Args:
        limits: For each kind of action how many, in how many seconds.
        clock: Returns seconds that never go back; tests have their own.
    """

    def __init__(self, limits: Mapping[str, tuple[int, float]], clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self.clock = clock
        self.paid_off_at: OrderedDict[tuple[str, str], float] = OrderedDict()
        self.lock = threading.Lock()

    def spend(self, kind: str, client: str) -> float:
        """Count an action of *client*; return 0, or the seconds to wait if it was one too many and does not count."""
        count, seconds = self.limits[kind]
        with self.lock:
            now = self.clock()
            debt = max(self.paid_off_at.get((kind, client), now) - now, 0.0) + seconds / count
            if debt > seconds + 1e-6:  # floating point adds up to a little more
                return debt - seconds
            self.paid_off_at[kind, client] = now + debt
            self.paid_off_at.move_to_end((kind, client))
            if len(self.paid_off_at) > LARGEST_TABLE:
                self.paid_off_at.popitem(last=False)
        return 0.0

    def take_back(self, kind: str, client: str) -> None:
        """Forget an action of *client* that has been counted: it was none of those that are limited."""
        count, seconds = self.limits[kind]
        with self.lock:
            if (kind, client) in self.paid_off_at:
                self.paid_off_at[kind, client] -= seconds / count


def init_app(app: Flask) -> None:
    """Limit what a client may write on *app*."""
    app.extensions["rate_limiter"] = RateLimiter(DEFAULTS["RATE_LIMITS"] | app.config["RATE_LIMITS"])
    app.before_request(limit_writing)


def limit_writing() -> None:
    """Count every request that changes something."""
    if request.method not in SAFE_METHODS:
        spend("writing", f"user {g.user.id}" if g.user else client_address())


def spend(kind: str, client: str) -> None:
    """Count an action of a client.

    Raises:
        TooManyRequests: It was one too many (status 429).
    """
    limiter: RateLimiter = current_app.extensions["rate_limiter"]
    wait = limiter.spend(kind, client)
    if wait:
        current_app.logger.warning("Too much %s by %s", kind, client)
        raise TooManyRequests(retry_after=math.ceil(wait))


def take_back(kind: str, client: str) -> None:
    """Forget an action of a client that has been counted."""
    limiter: RateLimiter = current_app.extensions["rate_limiter"]
    limiter.take_back(kind, client)


def client_address() -> str:
    """Return who is asking: the address, of IPv6 the network, for one household has 2**64 of these.

    Behind a proxy every request has the proxy's address; the README tells what to do there.
    """
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return "unknown"  # a Unix socket has no address
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
