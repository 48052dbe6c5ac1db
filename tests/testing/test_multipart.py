"""Encoding of multipart bodies."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hipflask.http.datastructures import FileStorage, MultiDict
from hipflask.testing import encode_multipart, stream_encode_multipart

VALUES = {
    "text": lambda data: {"a": "b"},
    "list": lambda data: {"a": ["b", 1, None, b"x", 1.5]},
    "nothing": lambda data: {},
    "tuple and set": lambda data: {"a": (1, 2), "b": {"x"}, "c": True, "d": {"x": "y"}},
    "not ASCII": lambda data: {"ü": "ü"},
    "multidict": lambda data: data.MultiDict([("a", "1"), ("b", "2"), ("a", "3")]),
    "file": lambda data: data.MultiDict([("a", "1"), ("f", data.FileStorage(io.BytesIO(b"c"), "n.txt"))]),
    "file headers": lambda data: {
        "f": data.FileStorage(io.BytesIO(b"c"), "n.txt", headers=data.Headers({"X-A": "1", "Content-Type": "q/w"}))
    },
    "file type": lambda data: {"f": data.FileStorage(io.BytesIO(b"c"), None, content_type="a/b")},
    "unknown type": lambda data: {"k": data.FileStorage(io.BytesIO(b"c"), "n.unknownext", name="other")},
    "long file": lambda data: {"f": data.FileStorage(io.BytesIO(b"c" * 100_000), "n.txt")},
    "list of pairs": lambda data: [("a", "b")],
}


@pytest.mark.parametrize("name", VALUES)
def test_encode_multipart_is_that_of_werkzeug(assert_same, name):
    assert_same(lambda names: names.test.encode_multipart(VALUES[name](names.data), "BB"))


def test_open_file_is_sent_under_its_name(tmp_path):
    path = tmp_path / "n.txt"
    path.write_bytes(b"text")
    with path.open("rb") as file:
        boundary, body = encode_multipart({"f": file}, "B")
    assert boundary == "B"
    assert f'filename="{path}"'.encode() in body
    assert b"Content-Type: text/plain\r\n\r\ntext\r\n--B--" in body


def test_stream_without_name_is_sent_without_filename():
    _, body = encode_multipart({"f": io.BytesIO(b"x")}, "B")
    assert body == (
        b'\r\n--B\r\nContent-Disposition: form-data; name="f"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\nx\r\n--B--\r\n"
    )


def test_names_cannot_start_a_header():
    file = FileStorage(io.BytesIO(b"x"), filename='a"\r\nX-Evil: 1')
    _, body = encode_multipart({'k"\r\n': file}, "B")
    assert b'name="k%22%0D%0A"; filename="a%22%0D%0AX-Evil: 1"\r\n' in body


def test_disposition_of_another_message_is_left_out():
    file = FileStorage(io.BytesIO(b"x"), filename="n", headers=[("Content-Disposition", "attachment")])
    _, body = encode_multipart({"f": file}, "B")
    assert body.count(b"Content-Disposition") == 1


def test_boundaries_differ():
    assert encode_multipart({})[0] != encode_multipart({})[0]


@pytest.mark.parametrize(
    ("threshold", "use_tempfile", "in_memory"),
    [(10, True, False), (10, False, True), (10_000, True, True)],
)
def test_long_bodies_move_to_a_file(threshold, use_tempfile, in_memory):
    stream, length, boundary = stream_encode_multipart({"a": "b" * 500}, use_tempfile, threshold, "B")
    with stream:
        assert isinstance(stream, io.BytesIO) is in_memory
        assert stream.tell() == 0
        body = stream.read()
    assert len(body) == length
    assert (boundary, body) == encode_multipart({"a": "b" * 500}, "B")


@given(st.lists(st.tuples(st.text(), st.text())))
def test_every_form_is_read_back(pairs):
    wrappers = pytest.importorskip("werkzeug.wrappers")
    clean = [(key.replace("%", ""), value.replace("\r", "")) for key, value in pairs]
    clean = [(key, value) for key, value in clean if key.isprintable() and key.isascii() and not set(key) & set('\\"')]
    boundary, body = encode_multipart(MultiDict(clean))
    environ = {
        "REQUEST_METHOD": "POST",
        "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": f'multipart/form-data; boundary="{boundary}"',
    }
    request = wrappers.Request(environ)
    assert sorted(request.form.items(multi=True)) == sorted(clean)
