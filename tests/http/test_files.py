"""Files as responses, and safe names."""

import datetime
import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http import files
from hipflask.http.exceptions import NotFound, RequestedRangeNotSatisfiable
from hipflask.http.files import secure_filename, send_file, send_from_directory
from hipflask.http.response import Response

NAMES = [
    *("My cool movie.mov", "../../../etc/passwd", "cool \xfcml\xe4uts.txt", "", ".", "..", "...", "a/b\\c"),
    *(
        "a b  c",
        "__a__",
        "._a",
        "a:b",
        "日本.txt",
        "ﬁle²",
        ".bashrc",
        "a\0b",
        "-x",
        "~a",
        " a ",
        "a.",
        "/",
        "a/",
    ),
    *("é", "a\tb\nc", "İ", "CON"),
]


@pytest.mark.parametrize("name", NAMES)
def test_secure_filename_is_that_of_werkzeug(name):
    theirs = pytest.importorskip("werkzeug.utils")
    assert secure_filename(name) == theirs.secure_filename(name)


@given(st.text(max_size=30))
def test_secure_filename_is_always_harmless(name):
    secured = secure_filename(name)
    assert secured.isascii()
    assert not set(secured) & set("/\\:\0 ")
    assert not secured.startswith(".")
    assert secure_filename(secured) == secured


def test_secure_filename_avoids_devices_on_windows(monkeypatch):
    monkeypatch.setattr(files.os, "name", "nt")
    assert secure_filename("nul.txt") == "_nul.txt"
    assert secure_filename("x.txt") == "x.txt"


@pytest.fixture
def folder(tmp_path):
    for name, data in {
        "f.txt": b"hello world",
        "x.tar.gz": b"z",
        "noext": b"q",
        "é ü.html": b"q",
        "empty": b"",
    }.items():
        (tmp_path / name).write_bytes(data)
        os.utime(tmp_path / name, (1e9, 1e9 + 0.5))
    (tmp_path / "sub").mkdir()
    return tmp_path


def environ_of(method="GET", **headers):
    environ = {"REQUEST_METHOD": method, "wsgi.url_scheme": "http", "HTTP_HOST": "h", "PATH_INFO": "/"}
    environ.update({f"HTTP_{name.upper()}": value for name, value in headers.items()})
    return environ


def outcome(send, path_or_file, environ, **options):
    """Return status, headers without times and ETag's text, and body; an exception by its class."""
    try:
        response = send(path_or_file, environ, **options)
    except Exception as error:
        return type(error).__name__
    etag, weak = response.get_etag()
    headers = {name: value for name, value in response.headers.items() if name not in {"Date", "Expires", "ETag"}}
    body = b"".join(response.response)
    response.close()
    return response.status, sorted(headers.items()), bool(etag), weak, body, response.direct_passthrough


OPTIONS = {
    "plain": {},
    "mimetype": {"mimetype": "a/b"},
    "html": {"mimetype": "text/html"},
    "attachment": {"as_attachment": True},
    "name": {"download_name": "other.pdf"},
    "name-attachment": {"download_name": 'né "x"\\.txt', "as_attachment": True},
    "name-japanese": {"download_name": "日本(1)'.txt", "as_attachment": True},
    "name-empty": {"download_name": "", "as_attachment": True},
    "gzip": {"download_name": "x.js.gz"},
    "gzip-attachment": {"download_name": "x.js.gz", "as_attachment": True},
    "max-age": {"max_age": 10},
    "max-age-0": {"max_age": 0},
    "max-age-function": {"max_age": lambda path: 7 if path else 8},
    "max-age-none": {"max_age": lambda path: None},
    "no-etag": {"etag": False},
    "etag": {"etag": "mine"},
    "modified": {"last_modified": 5},
    "modified-date": {"last_modified": datetime.datetime(2020, 1, 1)},
    "unconditional": {"conditional": False},
    "line-end-in-name": {"download_name": "a\nb", "as_attachment": True},
}
REQUESTS = {
    "get": environ_of(),
    "head": environ_of("HEAD"),
    "range": environ_of(range="bytes=1-3"),
    "bad-range": environ_of(range="bytes=50-"),
    "not-modified": environ_of(if_modified_since="Sun, 09 Sep 2001 01:46:40 GMT"),
    "if-range": environ_of(if_range='"x"', range="bytes=1-3"),
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("environ", REQUESTS.values(), ids=REQUESTS)
def test_send_file_is_that_of_werkzeug(folder, options, environ):
    theirs = pytest.importorskip("werkzeug.utils").send_file
    for path in (
        folder / "f.txt",
        str(folder / "x.tar.gz"),
        folder / "é ü.html",
        folder / "noext",
        folder / "empty",
    ):
        assert outcome(send_file, path, environ, **options) == outcome(theirs, path, environ, **options), path
    for data in (b"abcdef", b""):
        ours = outcome(send_file, io.BytesIO(data), environ, **options)
        assert ours == outcome(theirs, io.BytesIO(data), environ, **options)


def test_an_open_file_is_sent_from_where_it_stands(folder):
    file = open(folder / "f.txt", "rb")
    file.read(6)
    with send_file(file, environ_of(range="bytes=1-3"), mimetype="a/b") as response:
        assert b"".join(response.response) == b"world"
        assert response.status_code == 200
        assert response.content_length is None
    assert file.closed


def test_relative_paths_start_from_the_root_path(folder):
    with send_file("f.txt", environ_of(), _root_path=folder) as response:
        assert b"".join(response.response) == b"hello world"


def test_etag_changes_with_the_file(folder):
    path = folder / "f.txt"

    def etag():
        with send_file(path, environ_of()) as response:
            return response.get_etag()[0]

    first = etag()
    assert etag() == first
    os.utime(path, (1e9, 2e9))
    assert etag() != first


def test_x_sendfile_leaves_the_body_to_the_server(folder):
    path = str(folder / "f.txt")
    response = send_file(path, environ_of(), use_x_sendfile=True)
    assert (response.headers["X-Sendfile"], b"".join(response.response)) == (path, b"")
    unchanged = environ_of(if_none_match=f'"{response.get_etag()[0]}"')
    response = send_file(path, unchanged, use_x_sendfile=True)
    assert response.status_code == 304
    assert "X-Sendfile" not in response.headers
    response = send_file(io.BytesIO(b"x"), environ_of(), mimetype="a/b", use_x_sendfile=True)
    assert b"".join(response.response) == b"x"


@pytest.mark.parametrize(
    ("file", "options", "error", "message"),
    [
        (io.BytesIO(), {}, TypeError, "no media type"),
        (io.BytesIO(), {"mimetype": "a/b", "as_attachment": True}, TypeError, "cannot be an attachment"),
        (io.StringIO(), {"mimetype": "a/b"}, ValueError, "a file of text"),
        ("/does/not/exist", {}, FileNotFoundError, "exist"),
    ],
    ids=["no-type", "no-name", "text", "missing"],
)
def test_what_cannot_be_sent_is_an_error(file, options, error, message):
    with pytest.raises(error, match=message):
        send_file(file, environ_of(), **options)


def test_file_is_closed_if_there_is_no_response():
    file = io.BytesIO(b"abc")
    with pytest.raises(RequestedRangeNotSatisfiable, match="416"):
        send_file(file, environ_of(range="bytes=9-"), mimetype="a/b")
    assert file.closed


def test_etag_with_quotes_is_refused(folder):
    with pytest.raises(ValueError, match="entity tag"):
        send_file(folder / "f.txt", environ_of(), etag='"mine"')
    assert send_file(folder / "f.txt", environ_of(), use_x_sendfile=True).status_code == 200
    with pytest.raises(ValueError, match="entity tag"):
        send_file(folder / "f.txt", environ_of(), etag='"mine"', use_x_sendfile=True)


def test_response_class_and_the_servers_wrapper_are_used(folder):
    class Custom(Response):
        pass

    environ = {**environ_of(), "wsgi.file_wrapper": lambda file, size: (file, size)}
    response = send_file(folder / "f.txt", environ, response_class=Custom)
    assert type(response) is Custom
    file, size = response.response
    assert (file.read(), size) == (b"hello world", 8192)
    file.close()


@pytest.mark.parametrize("path", ["f.txt", "sub/../f.txt"])
def test_send_from_directory_finds_files(folder, path):
    for directory, options in ((folder, {}), (str(folder), {}), (".", {"_root_path": folder})):
        with send_from_directory(directory, path, environ_of(), **options) as response:
            assert b"".join(response.response) == b"hello world"


@pytest.mark.parametrize("path", ["../x", "nope", "sub", "", ".", "a\0b", "/f.txt"])
def test_send_from_directory_finds_nothing_else(folder, path):
    with pytest.raises(NotFound, match="404"):
        send_from_directory(folder, path, environ_of())


@pytest.mark.parametrize(
    ("suffix", "status", "body"), [(3, 206, b"rld"), (11, 206, b"hello world"), (12, 206, b"hello world")]
)
def test_a_suffix_longer_than_the_file_is_the_whole_file(folder, suffix, status, body):
    response = send_file(folder / "f.txt", environ_of(range=f"bytes=-{suffix}"))
    assert (response.status_code, b"".join(response.response)) == (status, body)
    response.close()


class _Asked(Response):
    """A class that has to be asked for each field."""

    def set_etag(self, etag, weak=False):
        super().set_etag(etag, weak)


@pytest.mark.parametrize("max_age", [None, 0, -1, 60, 1.5, True, lambda path: len(path) * 0 + 9], ids=repr)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(
    "options",
    [{}, {"conditional": False}, {"as_attachment": True}, {"mimetype": "text/css"}, {"download_name": "ü.tar.gz"}],
    ids=str,
)
def test_fields_are_the_same_for_any_class(folder, max_age, method, options, monkeypatch):
    monkeypatch.setattr(files, "time", lambda: 1e9)
    for name in ("f.txt", "f.tar.gz", "f"):
        (folder / name).write_bytes(b"0123456789")
        answers = []
        for cls in (Response, _Asked):
            environ = {"REQUEST_METHOD": method}
            with send_file(folder / name, environ, max_age=max_age, response_class=cls, **options) as response:
                assert type(response) is cls
                answers.append([field for field in response.headers if field[0] != "Date"])
        assert answers[0] == answers[1]


def test_class_that_writes_fields_itself_is_asked(folder):
    class Tagged(Response):
        def set_etag(self, etag, weak=False):
            super().set_etag("mine", weak)

    with send_from_directory(folder, "f.txt", {"REQUEST_METHOD": "GET"}, response_class=Tagged) as response:
        assert response.headers["ETag"] == '"mine"'


@pytest.mark.parametrize("name", ["f.txt", "./f.txt", "sub/../f.txt", "../{}/f.txt"])
def test_any_way_to_a_file_gives_the_same_tag(folder, name):
    environ = {"REQUEST_METHOD": "GET"}
    with (
        send_file(folder / "f.txt", environ) as expected,
        send_file(f"{folder}/{name.format(folder.name)}", environ) as response,
    ):
        assert response.headers["ETag"] == expected.headers["ETag"]
