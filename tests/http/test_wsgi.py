"""Wrappers and functions around a WSGI environ."""

import io

import pytest

from hipflask.http import wsgi
from hipflask.http.exceptions import ClientDisconnected, RequestEntityTooLarge, SecurityError
from hipflask.http.wsgi import ClosingIterator, FileWrapper, LimitedStream

ENVIRON = {
    "wsgi.url_scheme": "http",
    "HTTP_HOST": "ex.com:80",
    "SERVER_NAME": "srv",
    "SERVER_PORT": "81",
    "SCRIPT_NAME": "/s",
    "PATH_INFO": "/p\xc3\xa9",
    "QUERY_STRING": "a=\xc3",
}


def test_host_comes_from_the_header_then_from_the_server():
    assert wsgi.get_host(ENVIRON) == "ex.com"
    server = {"wsgi.url_scheme": "http", "SERVER_NAME": "srv", "SERVER_PORT": "81"}
    assert wsgi.get_host(server) == "srv:81"
    assert wsgi.get_host({**server, "SERVER_PORT": "x"}) == ""
    assert wsgi.get_host({"wsgi.url_scheme": "http"}) == ""
    with pytest.raises(SecurityError, match="does not answer"):
        wsgi.get_host(ENVIRON, ["other"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, "http://ex.com/s/pÃ©?a=%C3"),
        ({"root_only": True}, "http://ex.com/s/"),
        ({"strip_querystring": True}, "http://ex.com/s/pÃ©"),
        ({"host_only": True}, "http://ex.com/"),
        ({"trusted_hosts": ["ex.com"]}, "http://ex.com/s/pÃ©?a=%C3"),
    ],
    ids=["all", "root", "no-query", "host", "trusted"],
)
def test_current_url_has_the_parts_asked_for(options, expected):
    assert wsgi.get_current_url(ENVIRON, **options) == expected


def test_path_info_is_decoded_without_failing():
    assert wsgi.get_path_info(ENVIRON) == "/pé"
    assert wsgi.get_path_info({}) == ""
    assert wsgi.get_path_info({"PATH_INFO": "\xff"}) == "\ufffd"


def test_content_length_of_a_chunked_body_is_unknown():
    assert wsgi.get_content_length({"CONTENT_LENGTH": "5"}) == 5
    assert wsgi.get_content_length({"CONTENT_LENGTH": "5", "HTTP_TRANSFER_ENCODING": "chunked"}) is None


def test_responder_calls_what_the_function_returns():
    @wsgi.responder
    def application(environ, start_response):
        """The docstring."""
        return lambda environ, start_response: [environ, start_response]

    assert application("e", "s") == ["e", "s"]
    assert application.__doc__ == "The docstring."


def body_of(environ, **options):
    return wsgi.get_input_stream({**environ, "wsgi.input": io.BytesIO(b"abcde")}, **options).read()


@pytest.mark.parametrize(
    ("environ", "options", "expected"),
    [
        ({"CONTENT_LENGTH": "3"}, {}, b"abc"),
        ({"CONTENT_LENGTH": "3"}, {"max_content_length": 3}, b"abc"),
        ({"CONTENT_LENGTH": "x"}, {}, b""),
        ({}, {}, b""),
        ({}, {"max_content_length": 0}, b""),
        ({}, {"safe_fallback": False}, b"abcde"),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, {}, b""),
        ({"wsgi.input_terminated": True}, {}, b"abcde"),
        ({"wsgi.input_terminated": True, "CONTENT_LENGTH": "3"}, {}, b"abcde"),
        ({"wsgi.input_terminated": True}, {"max_content_length": 5}, b"abcde"),
    ],
    ids=[
        "length",
        "max",
        "bad",
        "unknown",
        "unknown-max",
        "unsafe",
        "chunked",
        "ended",
        "ended-length",
        "ended-max",
    ],
)
def test_input_stream_ends_where_the_body_ends(environ, options, expected):
    assert body_of(environ, **options) == expected


@pytest.mark.parametrize(
    "environ",
    [
        {"CONTENT_LENGTH": "3"},
        {"wsgi.input_terminated": True},
        {"wsgi.input_terminated": True, "CONTENT_LENGTH": "3"},
    ],
    ids=["length", "ended", "both"],
)
def test_body_over_the_maximum_is_refused(environ):
    with pytest.raises(RequestEntityTooLarge, match="413"):
        body_of(environ, max_content_length=2)


def test_body_that_is_cut_off_is_refused():
    with pytest.raises(ClientDisconnected, match="400"):
        body_of({"CONTENT_LENGTH": "6"})


class Body:
    def __init__(self, seen, parts=(b"1", b"2")):
        self.seen = seen
        self.parts = iter(parts)

    def __iter__(self):
        return self

    def __next__(self):
        self.seen.append("next")
        return next(self.parts)

    def close(self):
        self.seen.append("close")


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_closing_iterator_closes_the_iterable_then_calls_back(several):
    seen = []

    def callback():
        seen.append("callback")

    iterator = ClosingIterator(Body(seen), [callback, callback] if several else callback)
    assert iter(iterator) is iterator
    assert list(iterator) == [b"1", b"2"]
    seen.clear()
    iterator.close()
    assert seen == ["close", "callback", "callback"][: 3 if several else 2]


def test_closing_iterator_needs_no_callbacks():
    iterator = ClosingIterator([b"x"])
    assert next(iterator) == b"x"
    iterator.close()


def test_file_wrapper_gives_blocks():
    wrapper = FileWrapper(io.BytesIO(b"abcdefg"), 3)
    assert wrapper.seekable()
    assert iter(wrapper) is wrapper
    assert list(wrapper) == [b"abc", b"def", b"g"]
    assert wrapper.tell() == 7
    wrapper.seek(5)
    assert list(wrapper) == [b"fg"]
    wrapper.close()
    assert wrapper.file.closed


def test_file_wrapper_needs_only_read():
    class Source:
        def read(self, size):
            return b""

    wrapper = FileWrapper(Source())
    assert (wrapper.buffer_size, wrapper.seekable(), wrapper.tell()) == (8192, False, None)
    wrapper.seek(1)
    wrapper.close()


def test_wrap_file_prefers_the_servers_wrapper():
    assert isinstance(wsgi.wrap_file({}, io.BytesIO()), FileWrapper)
    assert wsgi.wrap_file({"wsgi.file_wrapper": lambda file, size: (file, size)}, "file", 5) == ("file", 5)


def test_limited_stream_is_importable_from_here():
    assert wsgi.LimitedStream is LimitedStream


# run_wsgi_app


def test_run_wsgi_app_reads_only_what_it_needs():
    seen = []
    environ = {}

    def application(given, start_response):
        assert given is not environ
        start_response("200 OK", [("A", "b")])
        return Body(seen)

    body, status, headers = wsgi.run_wsgi_app(application, environ)
    assert (seen, status, list(headers)) == (["next"], "200 OK", [("A", "b")])
    assert list(body) == [b"1", b"2"]
    body.close()
    assert seen == ["next", "next", "next", "close"]


def test_run_wsgi_app_buffered_closes_the_body():
    seen = []

    def application(environ, start_response):
        start_response("200 OK", [])(b"0")
        return Body(seen)

    assert wsgi.run_wsgi_app(application, {}, buffered=True)[0] == [b"0", b"1", b"2"]
    assert seen[-1] == "close"
    plain = wsgi.run_wsgi_app(lambda e, start: start("200 OK", []) and [b"x"], {}, buffered=True)
    assert plain[0] == [b"x"]


def test_run_wsgi_app_puts_written_data_first():
    def application(environ, start_response):
        start_response("200 OK", [])(b"w")
        return [b"x"]

    assert list(wsgi.run_wsgi_app(application, {})[0]) == [b"w", b"x"]


def test_run_wsgi_app_waits_for_a_late_status():
    def application(environ, start_response):
        yield b"a"
        start_response("202 OK", [])
        yield b"b"

    body, status, _ = wsgi.run_wsgi_app(application, {})
    assert (list(body), status) == ([b"a", b"b"], "202 OK")


def test_run_wsgi_app_raises_what_the_application_reports():
    def application(environ, start_response):
        error = KeyError("x")
        start_response("500 E", [], (KeyError, error, None))

    with pytest.raises(KeyError, match="x"):
        wsgi.run_wsgi_app(application, {})


def test_run_wsgi_app_wants_a_status():
    with pytest.raises(TypeError, match="without calling start_response"):
        wsgi.run_wsgi_app(lambda environ, start_response: [], {})
