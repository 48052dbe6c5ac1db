"""The limiter by itself, with a clock that the tests turn."""

from __future__ import annotations

import threading

import pytest

from examples.board import rate_limit
from examples.board.rate_limit import RateLimiter, client_address


class Clock:
    """Tells what it was set to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_count_is_allowed_at_once_and_then_one_for_each_part_of_the_time(clock):
    limiter = RateLimiter({"knock": (3, 60)}, clock)
    assert [limiter.spend("knock", "a") for _ in range(4)] == [0, 0, 0, pytest.approx(20)]
    clock.now += 19
    assert limiter.spend("knock", "a") == pytest.approx(1)
    clock.now += 1
    assert limiter.spend("knock", "a") == 0
    assert limiter.spend("knock", "a") == pytest.approx(20)


def test_what_was_refused_costs_nothing(clock):
    limiter = RateLimiter({"knock": (1, 60)}, clock)
    limiter.spend("knock", "a")
    for _ in range(100):
        assert limiter.spend("knock", "a") == pytest.approx(60)
    clock.now += 60
    assert limiter.spend("knock", "a") == 0


def test_what_is_taken_back_costs_nothing(clock):
    limiter = RateLimiter({"knock": (2, 60)}, clock)
    limiter.take_back("knock", "a")  # never counted
    for _ in range(100):
        assert limiter.spend("knock", "a") == 0
        limiter.take_back("knock", "a")
    assert [limiter.spend("knock", "a") > 0 for _ in range(3)] == [False, False, True]


def test_clients_and_kinds_are_counted_apart(clock):
    limiter = RateLimiter({"knock": (1, 60), "ring": (1, 60)}, clock)
    assert limiter.spend("knock", "a") == 0
    assert limiter.spend("knock", "b") == 0
    assert limiter.spend("ring", "a") == 0
    assert limiter.spend("knock", "a") > 0


def test_after_a_long_time_there_is_no_more_than_the_count(clock):
    limiter = RateLimiter({"knock": (2, 60)}, clock)
    clock.now += 1_000_000
    assert [limiter.spend("knock", "a") > 0 for _ in range(3)] == [False, False, True]


def test_table_is_bounded_and_forgets_the_quietest(clock, monkeypatch):
    monkeypatch.setattr(rate_limit, "LARGEST_TABLE", 3)
    limiter = RateLimiter({"knock": (2, 60)}, clock)
    for client in "abcad":
        limiter.spend("knock", client)
    assert sorted(client for _, client in limiter.paid_off_at) == ["a", "c", "d"]


def test_threads_get_no_more_than_the_count_together():
    limiter = RateLimiter({"knock": (50, 1_000_000)})
    allowed: list[bool] = []

    def knock():
        allowed.extend(limiter.spend("knock", "a") == 0 for _ in range(30))

    threads = [threading.Thread(target=knock) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert allowed.count(True) == 50


@pytest.mark.parametrize(
    ("address", "client"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", id="ipv4"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="ipv6-network"),
        pytest.param("", "unknown", id="unix-socket"),
        pytest.param("nonsense", "unknown", id="nonsense"),
    ],
)
def test_client_is_an_address_or_a_network(app, address, client):
    with app.test_request_context("/", environ_base={"REMOTE_ADDR": address}):
        assert client_address() == client
