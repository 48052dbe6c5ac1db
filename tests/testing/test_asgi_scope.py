"""The scope and the messages of a request that was built as an environ."""

import io

import pytest

from hipflask.testing import create_environ
from hipflask.testing.asgi_scope import BODY_BYTES, make_http_scope, make_messages


def test_scope_of_a_whole_request():
    environ = create_environ(
        "/a b/ü?x=1&y=é",
        "https://example.com:8443/root",
        method="post",
        data={"n": "v"},
        headers={"X-Name": "one"},
        environ_base={"REMOTE_ADDR": "10.0.0.1", "REMOTE_PORT": "1234"},
    )
    scope = make_http_scope(environ)
    assert dict(scope.pop("headers")) == {
        b"host": b"example.com:8443",
        b"x-name": b"one",
        b"content-type": b"application/x-www-form-urlencoded",
        b"content-length": b"3",
    }
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/root/a b/ü",
        "raw_path": b"/root/a%20b/%C3%BC",
        "query_string": "x=1&y=é".encode(),
        "root_path": "/root",
        "client": ("10.0.0.1", 1234),
        "server": ("example.com", 8443),
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/a%2Fb", b"/a%2Fb", id="escaped-slash"),
        pytest.param("http://other/a?b", b"/a", id="whole-url"),
        pytest.param("/a%3Fb", b"/a%3Fb", id="escaped-question-mark"),
    ],
)
def test_raw_path_is_as_it_was_typed(path, expected):
    assert make_http_scope(create_environ(path))["raw_path"] == expected


def test_environ_without_address_and_target_is_enough():
    environ = create_environ("/ä")
    del environ["REQUEST_URI"]
    scope = make_http_scope(environ)
    assert scope["client"] is None
    assert scope["raw_path"] == b"/%C3%A4"


@pytest.mark.parametrize("name", ["REMOTE_USER", "custom", "flask.other"])
def test_items_that_cannot_be_passed_on_are_an_error(name):
    environ = create_environ(environ_overrides={name: "x"})
    with pytest.raises(ValueError, match=f"'{name}', which an ASGI server cannot tell"):
        make_http_scope(environ)


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([0], id="empty"),
        pytest.param([1], id="short"),
        pytest.param([BODY_BYTES], id="one-piece"),
        pytest.param([BODY_BYTES, 1], id="two-pieces"),
    ],
)
def test_body_is_cut_and_its_stream_left_as_it_was(sizes):
    body = b"x" * sum(sizes)
    stream = io.BytesIO(b"before" + body)
    stream.seek(6)
    messages = list(make_messages({"wsgi.input": stream}))
    assert [len(message["body"]) for message in messages] == sizes
    assert [message["more_body"] for message in messages] == [True] * (len(sizes) - 1) + [False]
    assert stream.tell() == 6


def test_stream_that_cannot_be_wound_back_is_read():
    class OneWay(io.BytesIO):
        def seekable(self):
            return False

        def tell(self):
            raise io.UnsupportedOperation

    assert [message["body"] for message in make_messages({"wsgi.input": OneWay(b"body")})] == [b"body"]
