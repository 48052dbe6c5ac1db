"""One connection to an ASGI application, step by step."""

import asyncio

import pytest

from hipflask.testing import asgi_connection as module
from hipflask.testing.asgi_connection import AsgiConnection

LAST = {"type": "last"}


def run(main):
    async def limited():
        async with asyncio.timeout(20):
            return await main()

    return asyncio.run(limited())


def test_messages_go_both_ways_until_the_end():
    received = []

    async def app(scope, receive, send):
        received.extend([scope, await receive(), await receive(), await receive()])
        await send({"n": 1})
        await send({"n": 2})

    async def main():
        connection = AsgiConnection(app, {"type": "x"}, iter([{"type": "first"}]), LAST)
        await asyncio.sleep(0)
        connection.end_messages()
        taken = [await connection.take() for _ in range(4)]
        await connection.close()
        return taken

    assert run(main) == [{"n": 1}, {"n": 2}, None, None]
    assert received == [{"type": "x"}, {"type": "first"}, LAST, LAST]


def test_application_is_held_back_until_its_message_is_taken():
    sent = []

    async def app(scope, receive, send):
        for number in range(3):
            await send(number)
            sent.append(number)

    async def main():
        connection = AsgiConnection(app, {}, [], LAST)
        for _ in range(5):
            await asyncio.sleep(0)
        before = list(sent)
        assert await connection.take() == 0
        await connection.take()
        assert 2 not in sent
        await connection.close()
        return before

    assert run(main) == []


def test_error_of_the_application_is_raised_after_its_messages():
    async def app(scope, receive, send):
        await send("message")
        raise KeyError("application")

    async def main():
        connection = AsgiConnection(app, {}, [], LAST)
        assert await connection.take() == "message"
        with pytest.raises(KeyError, match="application"):
            await connection.take()
        assert await connection.take() is None

    run(main)


def test_closing_refuses_messages_and_tells_the_application():
    seen = []

    async def app(scope, receive, send):
        await send("waits")
        seen.append(await receive())
        try:
            await send("refused")
        except OSError as error:
            seen.append(isinstance(error, OSError))

    async def main():
        connection = AsgiConnection(app, {}, [], LAST)
        await asyncio.sleep(0)
        await connection.close()
        await connection.close()

    run(main)
    assert seen == [LAST, True]


def test_error_while_closing_is_raised():
    async def app(scope, receive, send):
        await receive()
        raise KeyError("late")

    async def main():
        with pytest.raises(KeyError, match="late"):
            await AsgiConnection(app, {}, [], LAST).close()

    run(main)


def test_application_that_does_not_end_is_cancelled(monkeypatch):
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.01)
    seen = []

    async def app(scope, receive, send):
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("cancelled")

    async def main():
        connection = AsgiConnection(app, {}, [], LAST)
        await asyncio.sleep(0)
        await connection.close()

    run(main)
    assert seen == ["cancelled"]


def test_abandoned_application_is_cancelled_at_once():
    seen = []

    async def app(scope, receive, send):
        try:
            await receive()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main():
        connection = AsgiConnection(app, {}, [], LAST)
        await asyncio.sleep(0)
        await connection.abandon()

    run(main)
    assert seen == ["cancelled"]


def test_application_that_cancels_itself_is_an_error():
    async def app(scope, receive, send):
        raise asyncio.CancelledError

    async def main():
        with pytest.raises(RuntimeError, match="cancelled its own task"):
            await AsgiConnection(app, {}, [], LAST).take()

    run(main)


def test_other_loops_are_refused():
    with pytest.raises(RuntimeError, match="needs a running asyncio loop"):
        AsgiConnection(None, {}, [], LAST)
