"""Slow clients: they send, or take, a few bytes now and then. For a process of their own, see `apart`."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import socket
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

__all__ = ["Fate", "Slowness", "allow_descriptors", "apart", "connect", "run_slow"]

_RATE = 200  # new connections a second
_ESTABLISHED = b"\x01"


@dataclass(frozen=True, slots=True)
class Slowness:
    """What slow clients do."""

    first: bytes
    """Sent at once."""
    piece: bytes = b""
    """Sent after each pause."""
    pause_seconds: float = 5.0
    takes: int = 0
    """Bytes taken of the answer after each pause; 0 for as many as come."""


@dataclass(slots=True)
class Fate:
    """What became of a slow client."""

    lived_seconds: float = 0.0
    """From the connection's begin to its end."""
    status: int = 0
    """That of the first answer; 0 without one."""
    is_closed: bool = False
    """Whether the server has ended the connection."""


def apart(workers: int = 1) -> ProcessPoolExecutor:
    """Return an executor with processes of their own, which do not share this one's interpreter lock."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def allow_descriptors() -> None:
    """Allow this process and its children as many open files as it may have."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def connect(port: int, receive_bytes: int = 0) -> socket.socket:
    """Return a connection, with a small window if *receive_bytes* says so."""
    client = socket.socket()
    client.setblocking(False)
    if receive_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    try:
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    except BaseException:
        client.close()
        raise
    return client


def run_slow(port: int, count: int, how: Slowness, most_seconds: float) -> list[Fate]:
    """Run slow clients until the server has ended all, or the time is over; none comes back."""
    allow_descriptors()
    return asyncio.run(_run_all(port, count, how, most_seconds))


async def _run_all(port: int, count: int, how: Slowness, most_seconds: float) -> list[Fate]:
    until = time.monotonic() + most_seconds
    fates = [Fate() for _ in range(count)]
    tasks = []
    for number, fate in enumerate(fates):
        tasks.append(asyncio.create_task(_run_one(port, how, until, fate)))
        if number % 10 == 9:
            await asyncio.sleep(10 / _RATE)
    await asyncio.gather(*tasks)
    return fates


async def _run_one(port: int, how: Slowness, until: float, fate: Fate) -> None:
    client = await connect(port, 1024 if how.takes else 0)
    began = time.monotonic()
    with client, suppress(ConnectionError, TimeoutError):
        await asyncio.get_running_loop().sock_sendall(client, how.first)
        if how.takes:
            while time.monotonic() < until:
                await _take_a_little(client, how, fate)
        else:
            await _drip(client, how, until, fate)
    fate.is_closed = time.monotonic() < until
    fate.lived_seconds = time.monotonic() - began


async def _drip(client: socket.socket, how: Slowness, until: float, fate: Fate) -> None:
    """Send a piece after each pause, until the server ends the connection."""
    receiving = asyncio.create_task(_receive(client, fate))
    try:
        while not receiving.done() and time.monotonic() < until:
            await asyncio.wait({receiving}, timeout=how.pause_seconds)
            if not receiving.done():
                await asyncio.get_running_loop().sock_sendall(client, how.piece)
    finally:
        receiving.cancel()
        await asyncio.gather(receiving, return_exceptions=True)


async def _receive(client: socket.socket, fate: Fate) -> None:
    """Take what comes, up to the connection's end."""
    while data := await asyncio.get_running_loop().sock_recv(client, 65536):
        fate.status = fate.status or int(data[9:12])


async def _take_a_little(client: socket.socket, how: Slowness, fate: Fate) -> None:
    """Pause, then take some bytes."""
    await asyncio.sleep(how.pause_seconds)
    if client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != _ESTABLISHED:
        raise ConnectionResetError
    data = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, how.takes), how.pause_seconds)
    fate.status = fate.status or int(data[9:12] or b"0")
