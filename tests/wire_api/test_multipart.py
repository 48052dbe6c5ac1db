"""Cases MP of the wire table that are calls: multipart forms."""

from __future__ import annotations

import errno
import io
import random
from typing import Any

import pytest

import hipflask
from hipflask.http.exceptions import HTTPException
from hipflask.http.forms import SPOOL_SIZE, FormDataParser
from hipflask.http.multipart import NEED_DATA, Data, Epilogue, Event, MultipartDecoder

CONTENT_TYPE = "multipart/form-data; boundary=BnD"
WELL_FORMED = (
    b'--BnD\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B\r\n'
    b'--BnD\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\nContent-Type: text/plain\r\n\r\n'
    b"line\r\n--BnDx\r\n"
    b"--BnD--\r\n"
)


def parse(body: bytes, **options: Any) -> Any:
    stream = io.BytesIO(body)
    _, form, files = FormDataParser(**options).parse(stream, "multipart/form-data", len(body), {"boundary": "BnD"})
    return form, files


def events(*pieces: bytes) -> list[Event]:
    """Return the events of a body that arrives in pieces, the data of each part put together."""
    decoder = MultipartDecoder(b"BnD")
    found: list[Event] = []
    for piece in (*pieces, None):
        decoder.receive_data(piece)
        while (event := decoder.next_event()) is not NEED_DATA:
            if isinstance(event, Data) and isinstance(found[-1], Data):
                event = Data(found.pop().data + event.data, event.more_data)  # type: ignore[attr-defined]
            found.append(event)
            if isinstance(event, Epilogue):
                return found
    raise AssertionError("no epilogue")


@pytest.fixture
def upload(app: hipflask.Flask) -> hipflask.Flask:
    @app.post("/upload")
    def upload() -> dict[str, Any]:
        files = {name: [file.filename, len(file.read())] for name, file in hipflask.request.files.items()}
        return {"form": hipflask.request.form, "files": files}

    app.add_url_rule("/", "index", lambda: "alive")
    return app


def test_mp_062_cut_in_two_anywhere_the_result_is_the_same() -> None:
    whole = events(WELL_FORMED)
    assert len(whole) == 6
    for offset in range(1, len(WELL_FORMED)):
        assert events(WELL_FORMED[:offset], WELL_FORMED[offset:]) == whole


def test_mp_063_a_thousand_broken_parts_are_not_a_thousand_lines(
    upload: hipflask.Flask, caplog: pytest.LogCaptureFixture
) -> None:
    body = b"--BnD\r\nX: y\r\n\r\n1\r\n" * 1000 + b"--BnD--\r\n"
    assert upload.test_client().post("/upload", data=body, content_type=CONTENT_TYPE).status_code == 400
    assert len(caplog.records) <= 1


def test_mp_065_mutated_bodies_are_parsed_to_an_end() -> None:
    randomness = random.Random(65)
    for _ in range(3000):
        body = bytearray(WELL_FORMED)
        for _ in range(randomness.randrange(1, 6)):
            start = randomness.randrange(len(body))
            piece = randomness.choice([b"", b"\r", b"\n", b"\r\n", b"--BnD", b"--", b"\0", b'"', b"\xff"])
            body[start : start + randomness.randrange(4)] = piece
        try:
            parse(bytes(body), stream_factory=lambda **kwargs: io.BytesIO())
        except HTTPException as error:
            assert error.code == 400


def test_mp_067_a_full_disk_is_an_error_of_this_request_only(upload: hipflask.Flask) -> None:
    opened: list[io.BytesIO] = []

    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    class Request(hipflask.Request):
        def _get_file_stream(self, *args: Any, **kwargs: Any) -> Any:
            opened.append(Full())
            return opened[-1]

    upload.request_class = Request
    client = upload.test_client()
    assert client.post("/upload", data=WELL_FORMED, content_type=CONTENT_TYPE).status_code == 500
    assert [each.closed for each in opened] == [True]
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("size", "is_on_disk"),
    [
        pytest.param(SPOOL_SIZE - 1, False, id="MP-068-below"),
        pytest.param(SPOOL_SIZE, False, id="MP-068-equal"),
        pytest.param(SPOOL_SIZE + 1, True, id="MP-068-above"),
    ],
)
def test_large_files_go_to_the_disk(size: int, is_on_disk: bool) -> None:
    head = b'--BnD\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
    _, files = parse(head + b"x" * size + b"\r\n--BnD--\r\n")
    with files["f"].stream as stream:
        assert stream._rolled is is_on_disk
        assert len(stream.read()) == size


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"content-disposition: FORM-DATA; NAME=a", id="MP-070"),
        pytest.param(b'CONTENT-DISPOSITION: Form-Data; Name="a"', id="MP-070-quoted"),
    ],
)
def test_case_of_names_does_not_matter(head: bytes) -> None:
    form, files = parse(b"--BnD\r\n" + head + b"\r\n\r\n1\r\n--BnD--\r\n")
    assert (form.to_dict(), len(files)) == ({"a": "1"}, 0)


def test_mp_071_a_field_after_a_file_is_a_field() -> None:
    file, end = WELL_FORMED[WELL_FORMED.rindex(b"--BnD\r\nC") :].split(b"--BnD--")
    form, files = parse(file + b'--BnD\r\nContent-Disposition: form-data; name="b"\r\n\r\n2\r\n--BnD--' + end)
    assert form.to_dict() == {"b": "2"}
    assert list(files) == ["f"]
    files["f"].close()
