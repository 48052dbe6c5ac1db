from __future__ import annotations

import copy
import io
import pickle
from pathlib import Path
from typing import Any

import pytest

from hipflask.http.datastructures import FileMultiDict, FileStorage, Headers


class Named(io.BytesIO):
    def __init__(self, name: Any) -> None:
        super().__init__(b"content")
        self.name = name


@pytest.mark.parametrize(
    ("stream_name", "expected"),
    [
        pytest.param("a.txt", "a.txt", id="name"),
        pytest.param("/tmp/a.txt", "/tmp/a.txt", id="path"),
        pytest.param(Path("a.txt"), "a.txt", id="path-object"),
        pytest.param(b"a.txt", "a.txt", id="bytes"),
        pytest.param("<stdin>", None, id="made-up"),
        pytest.param(b"<stdin>", None, id="made-up-bytes"),
        pytest.param("<a", "<a", id="half-made-up"),
        pytest.param(None, None, id="none"),
        pytest.param(5, None, id="descriptor"),
    ],
)
def test_name_of_stream_is_the_filename(stream_name: Any, expected: str | None) -> None:
    assert FileStorage(Named(stream_name)).filename == expected
    assert FileStorage(Named(stream_name), filename="own").filename == "own"


@pytest.mark.parametrize(("given", "expected"), [(b"a", "a"), ("", ""), ("<a>", "<a>"), (Path("a/b"), "a/b")], ids=repr)
def test_given_filename_is_text(given: Any, expected: str) -> None:
    assert FileStorage(filename=given).filename == expected


def test_empty_file_storage_is_false() -> None:
    empty = FileStorage()
    assert (bool(empty), empty.read(), empty.filename, empty.name) == (False, b"", None, None)
    assert (empty.content_type, empty.content_length, empty.mimetype, empty.mimetype_params) == (
        None,
        0,
        "",
        {},
    )
    assert bool(FileStorage(filename="a"))
    assert repr(empty) == "<FileStorage: None (None)>"


def test_headers_have_type_and_length() -> None:
    headers = Headers({"X": "y"})
    file = FileStorage(content_type="Text/Plain; Charset=utf-8", content_length=5, headers=headers)
    assert file.headers is headers
    assert list(headers)[1:] == [("Content-Type", "Text/Plain; Charset=utf-8"), ("Content-Length", "5")]
    assert (file.content_type, file.content_length) == ("Text/Plain; Charset=utf-8", 5)
    assert (file.mimetype, file.mimetype_params) == ("text/plain", {"charset": "utf-8"})
    assert file.mimetype_params is file.mimetype_params


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("-7", -7),
        ("", 0),
        ("x", 0),
        ("+7", 0),
        ("1_0", 0),
        ("٣", 0),
        ("²", 0),
        ("9" * 9999, 0),
    ],
    ids=lambda value: str(value)[:5],
)
def test_length_is_a_plain_number(text: str, expected: int) -> None:
    assert FileStorage(headers=Headers({"Content-Length": text})).content_length == expected


def test_attributes_of_the_stream_are_the_files_own() -> None:
    file = FileStorage(io.BytesIO(b"a\nb"))
    assert list(file) == [b"a\n", b"b"]
    file.seek(0)
    assert (file.readline(), file.tell(), file.getvalue()) == (b"a\n", 2, b"a\nb")
    with pytest.raises(AttributeError, match="nope"):
        file.nope  # noqa: B018


def test_attributes_of_a_wrapped_stream_are_found_behind_it() -> None:
    class Wrapper:
        _file = io.BytesIO(b"a")

    assert FileStorage(Wrapper()).getvalue() == b"a"  # type: ignore[arg-type]
    with pytest.raises(AttributeError, match="nope"):
        FileStorage(Wrapper()).nope  # type: ignore[arg-type]  # noqa: B018


@pytest.mark.parametrize("buffer_size", [16384, 2, 0])
@pytest.mark.parametrize("kind", [str, Path])
def test_save_to_path(tmp_path: Path, kind: Any, buffer_size: int) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"what was there before")
    file = FileStorage(io.BytesIO(b"abcdef"))
    file.read(1)
    file.save(kind(target), buffer_size)
    assert target.read_bytes() == b"bcdef"


def test_save_to_stream_leaves_it_open() -> None:
    target = io.BytesIO()
    FileStorage(io.BytesIO(b"abc")).save(target)
    assert (target.getvalue(), target.closed) == (b"abc", False)


def test_save_says_that_the_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        FileStorage().save(tmp_path / "missing" / "out")


def test_close_closes_whatever_the_stream_says() -> None:
    class Unwilling(io.BytesIO):
        def close(self) -> None:
            raise OSError("no")

    stream = io.BytesIO()
    FileStorage(stream).close()
    assert stream.closed
    FileStorage(Unwilling()).close()
    FileStorage(object()).close()  # type: ignore[arg-type]


def test_file_storage_can_be_copied_if_its_stream_can() -> None:
    file = FileStorage(io.BytesIO(b"abc"), "a.txt", "field", "text/plain")
    assert copy.copy(file).stream is file.stream
    for other in (copy.deepcopy(file), pickle.loads(pickle.dumps(file))):
        assert (other.read(), other.filename, other.name, other.content_type) == (
            b"abc",
            "a.txt",
            "field",
            "text/plain",
        )
    assert file.read() == b"abc"


@pytest.mark.parametrize(
    ("filename", "content_type", "expected"),
    [
        pytest.param("a.txt", None, "text/plain", id="guessed"),
        pytest.param("a.nobody-knows", None, "application/octet-stream", id="unknown"),
        pytest.param("a.txt", "a/b", "a/b", id="given"),
        pytest.param("", None, None, id="empty-name"),
        pytest.param(None, None, None, id="no-name"),
    ],
)
def test_add_file_guesses_the_type(filename: str | None, content_type: str | None, expected: str | None) -> None:
    files = FileMultiDict()
    files.add_file("field", io.BytesIO(b"abc"), filename, content_type)
    file = files["field"]
    assert (file.filename, file.content_type, file.name, file.read()) == (filename, expected, "field", b"abc")


@pytest.mark.parametrize("kind", [str, Path])
def test_add_file_opens_path(tmp_path: Path, kind: Any) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")
    files = FileMultiDict()
    files.add_file("field", kind(path))
    files.add_file("field", kind(path), "b.png")
    first, second = files.getlist("field")
    assert (first.filename, first.content_type, first.read()) == (str(path), "text/plain", b"abc")
    assert (second.filename, second.content_type) == ("b.png", "image/png")
    first.close()
    second.close()


def test_add_file_takes_a_file_storage_as_it_is() -> None:
    files, file = FileMultiDict(), FileStorage(filename="a.txt")
    files.add_file("field", file, "b.txt")
    assert files["field"] is file
    assert file.filename == "a.txt"
