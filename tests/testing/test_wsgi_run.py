"""run_wsgi_app over applications of every kind."""

import sys

import pytest

from hipflask.testing import create_environ, run_wsgi_app


def make_app(chunks, *, status="200 OK", headers=(), write=(), log=None):
    """Return an application whose body records in *log* how it is pulled and closed."""

    class Body:
        def __init__(self):
            self.chunks = iter(chunks)

        def __iter__(self):
            return self

        def __next__(self):
            if log is not None:
                log.append("next")
            return next(self.chunks)

        def close(self):
            if log is not None:
                log.append("close")

    def app(environ, start_response):
        send = start_response(status, list(headers))
        for chunk in write:
            send(chunk)
        return Body()

    return app


def generator_app(environ, start_response):
    start_response("200 OK", [("x", "y")])
    yield b"1"
    yield b"2"


def late_app(environ, start_response):
    yield b""
    start_response("201 Made", [])
    yield b"2"


def writing_generator_app(environ, start_response):
    write = start_response("200 OK", [])
    write(b"w")
    yield b"1"


def twice_app(environ, start_response):
    start_response("200 A", [])
    start_response("201 B", [("a", "b")])
    return [b"x"]


def error_app(environ, start_response):
    start_response("200 A", [])
    try:
        raise KeyError("inside")
    except KeyError:
        start_response("500 B", [], sys.exc_info())
    return []


def raising_app(environ, start_response):
    start_response("200 A", [])
    raise KeyError("k")


def raising_generator_app(environ, start_response):
    start_response("200 A", [])
    yield b"1"
    raise KeyError("k")


def late_writing_app(environ, start_response):
    yield b"0"
    start_response("200 OK", [])(b"w")
    yield b"1"


def silent_app(environ, start_response):
    return [b"x"]


def list_app(environ, start_response):
    start_response("404", [("A", "1"), ("a", "2")])
    return [b"a", b"b", b""]


def empty_app(environ, start_response):
    start_response("204 No Content", [])
    return []


APPS = [
    generator_app,
    late_app,
    twice_app,
    error_app,
    raising_app,
    raising_generator_app,
    silent_app,
    list_app,
    empty_app,
    make_app([b"a", b"b"]),
]
WRITING_APPS = [
    writing_generator_app,
    late_writing_app,
    make_app([], write=[b"w"]),
    make_app([b"a"], write=[b"w", b"v"]),
]


@pytest.mark.parametrize(
    ("app", "buffered"),
    [*((app, buffered) for app in APPS for buffered in (False, True)), *((app, False) for app in WRITING_APPS)],
    ids=lambda value: getattr(value, "__qualname__", str(value)),
)
def test_answer_is_that_of_werkzeug(assert_same, app, buffered):
    def steps(names):
        body, status, headers = names.test.run_wsgi_app(app, create_environ(), buffered)
        return list(body), isinstance(body, list), status, list(headers)

    assert_same(steps)


@pytest.mark.parametrize("app", WRITING_APPS, ids=lambda app: app.__qualname__)
def test_buffered_body_has_what_was_written(app):
    body, *_ = run_wsgi_app(app, create_environ(), buffered=True)
    parts, *_ = run_wsgi_app(app, create_environ())
    assert sorted(body) == sorted(parts)
    assert b"w" in body


@pytest.mark.parametrize("buffered", [False, True])
@pytest.mark.parametrize("chunks", [[], [b"a"], [b"a", b"b", b"c"]])
def test_body_is_pulled_and_closed_as_on_werkzeug(assert_same, chunks, buffered):
    def steps(names):
        log = []
        body, _, _ = names.test.run_wsgi_app(make_app(chunks, log=log), create_environ(), buffered=buffered)
        log.append("returned")
        list(body)
        if not buffered:
            body.close()
        return log

    assert_same(steps)


def test_application_gets_a_copy_of_the_environ():
    def app(environ, start_response):
        environ["changed"] = True
        return list_app(environ, start_response)

    class Holder:
        environ = create_environ()

    run_wsgi_app(app, Holder)
    assert "changed" not in Holder.environ


def test_missing_start_response_is_explained():
    with pytest.raises(TypeError, match=r"Call start_response\(status, headers\)"):
        run_wsgi_app(silent_app, create_environ())


def test_buffered_body_is_closed_after_an_error():
    log = []

    def chunks():
        yield b"1"
        raise KeyError("k")

    with pytest.raises(KeyError, match="k"):
        run_wsgi_app(make_app(chunks(), log=log), create_environ(), buffered=True)
    assert log[-1] == "close"
