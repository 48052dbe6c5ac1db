"""Posting with a picture: what is kept, what is refused, and that nothing is left of what is refused."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from examples.board.pictures import files
from tests.examples.board.picture_files import make_gif, make_jpeg, make_png, make_webp
from tests.examples.board.visitor import Visitor

EVIL = b"<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("data", "file_name", "mime_type"),
    [
        pytest.param(make_png(), "a.png", "image/png", id="png"),
        pytest.param(make_jpeg(), "a.jpeg", "image/jpeg", id="jpeg"),
        pytest.param(make_gif(), "a.gif", "image/gif", id="gif"),
        pytest.param(make_webp(), "a.webp", "image/webp", id="webp"),
        pytest.param(make_png(), "page.html", "image/png", id="called-a-page"),
        pytest.param(make_gif(), "a.svg", "image/gif", id="called-another-format"),
        pytest.param(make_png(), "../../app.py", "image/png", id="name-that-leads-elsewhere"),
        pytest.param(make_png(), "\x00\r\n;\"'<b>", "image/png", id="name-with-odd-characters"),
    ],
)
def test_picture_is_shown_as_what_it_is_under_a_name_of_ours(maria, new_pictures, data, file_name, mime_type):
    response = maria.send(
        "/messages/new", title="Title", body="Text", picture=data, file_name=file_name, picture_alt='A "grey" square'
    )
    assert response.status_code == 303
    page = maria.get(response.location).text
    address = re.search(r'<img class="picture" src="(/pictures/[0-9a-f]{32}\.[a-z]+)"', page)
    assert address is not None
    assert 'alt="A &#34;grey&#34; square"' in page
    assert 'width="3" height="2"' in page
    with maria.get(address[1]) as picture:
        assert picture.data == data
        assert picture.content_type == mime_type
        assert picture.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert new_pictures() == {address[1].removeprefix("/pictures/")}
    assert 'class="thumbnail"' in maria.get("/").text


def test_what_hides_behind_a_picture_is_not_kept(maria, app, new_pictures):
    maria.send("/messages/new", title="Title", body="Text", picture=make_png() + EVIL)
    (name,) = new_pictures()
    assert Path(app.config["PICTURES"], name).read_bytes() == make_png()


@pytest.mark.parametrize(
    ("data", "status", "told"),
    [
        pytest.param(EVIL, 422, "is not a picture", id="page"),
        pytest.param(b"<svg><script>alert(1)</script></svg>", 422, "is not a picture", id="svg"),
        pytest.param(b"", 422, "is not a picture", id="empty"),
        pytest.param(make_png()[:-4], 422, "cut off on its way", id="cut-off"),
        pytest.param(b"GIF89a/*" + EVIL + b"*/", 422, "damaged, or was cut off", id="polyglot"),
        pytest.param(make_png(60_000, 60_000), 422, "60000 by 60000 pixels", id="huge"),
        pytest.param(make_png() + b"x" * (3 * 2**20), 422, "at most 3\N{NO-BREAK SPACE}MiB", id="too-large"),
        pytest.param(make_png() + b"x" * (4 * 2**20), 413, "at most 3\N{NO-BREAK SPACE}MiB", id="far-too-large"),
    ],
)
@pytest.mark.parametrize("path", ["/messages/new", "/messages/9/replies", "/messages/9/edit"])
def test_bad_upload_is_refused_and_leaves_no_file(maria, post, new_pictures, path, data, status, told):
    post("Title", "Text")
    response = maria.send(path, title="My title", body="My text", version="1", picture=data)
    assert response.status_code == status
    assert told in response.text
    assert new_pictures() == set()
    assert maria.get("/").text.count("<article") == 5
    assert maria.get("/api/messages/9").headers["ETag"] == '"9-1"'
    if status == 422:  # what was written is still there
        assert "My text</textarea>" in response.text


def test_largest_picture_is_a_setting(make_app):
    visitor = Visitor(make_app(LARGEST_PICTURE=100), "maria")
    assert len(make_png()) <= 100 < len(make_png(400, 400))
    assert visitor.send("/messages/new", title="Title", body="Text", picture=make_png()).status_code == 303
    assert visitor.send("/messages/new", title="Title", body="Text", picture=make_png(400, 400)).status_code == 422


def test_form_that_was_cut_off_on_its_way_leaves_no_file(maria, new_pictures):
    token = maria.read_token()
    body = (
        f'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n'
        '--x\r\nContent-Disposition: form-data; name="title"\r\n\r\nTitle\r\n'
        '--x\r\nContent-Disposition: form-data; name="body"\r\n\r\nText\r\n'
        '--x\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n'
    ).encode()
    whole = body + make_png() + b"\r\n--x--\r\n"
    for length in (len(body), len(body) + 20, len(whole) - 9):
        response = maria.client.post(
            "/messages/new",
            input_stream=io.BytesIO(whole[:length]),
            content_length=len(whole),
            content_type="multipart/form-data; boundary=x",
        )
        assert response.status_code == 400
        assert new_pictures() == set()
    assert maria.get("/").text.count("<article") == 4


def test_refused_text_lets_the_picture_be_chosen_again(maria, new_pictures):
    response = maria.send("/messages/new", title="", body="Text", picture=make_png())
    assert response.status_code == 422
    assert "Please choose the picture once more" in response.text
    assert new_pictures() == set()


def test_failure_while_saving_leaves_no_file(app, maria, new_pictures, monkeypatch):
    def fail(*args: object) -> None:
        raise ZeroDivisionError

    app.testing = False
    monkeypatch.setattr("examples.board.store.messages.write", fail)
    response = maria.send("/messages/new", title="Title", body="Text", picture=make_png())
    assert response.status_code == 500
    assert new_pictures() == set()


def test_failure_while_writing_the_file_leaves_neither_file_nor_message(app, maria, new_pictures, monkeypatch):
    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    app.testing = False
    monkeypatch.setattr("os.replace", fail)
    response = maria.send("/messages/new", title="Title", body="Text", picture=make_png())
    assert response.status_code == 500
    assert new_pictures() == set()
    assert maria.get("/").text.count("<article") == 4


def test_edit_replaces_keeps_or_removes_the_picture(maria, post, new_pictures):
    path = f"/messages/{post('Title')}/edit"
    maria.send(path, title="Title", body="Text", version="1", picture=make_png())
    (first,) = new_pictures()
    maria.send(path, title="Title", body="Other text", version="2", picture_alt="Grey")
    assert new_pictures() == {first}
    assert 'alt="Grey"' in maria.get(path).text
    maria.send(path, title="Title", body="Text", version="3", picture=make_gif())
    (second,) = new_pictures()
    assert second.endswith(".gif")
    assert maria.get(f"/pictures/{first}").status_code == 404
    maria.send(path, title="Title", body="Text", version="4", without_picture="1")
    assert new_pictures() == set()
    assert "/pictures/" not in maria.get(path.removesuffix("/edit")).text


def test_delete_removes_the_pictures_of_a_thread(maria, pavel, new_pictures):
    address = maria.send("/messages/new", title="Title", body="Text", picture=make_png()).location
    pavel.send(f"{address}/replies", body="Look", picture=make_gif())
    assert len(new_pictures()) == 2
    maria.send(f"{address}/delete", version="1")
    assert new_pictures() == set()


def test_picture_that_is_gone_already_is_no_error(app, maria, new_pictures):
    address = maria.send("/messages/new", title="Title", body="Text", picture=make_png()).location
    for name in new_pictures():
        Path(app.config["PICTURES"], name).unlink()
    assert maria.get(address).status_code == 200
    assert maria.send(f"{address}/delete", version="1").status_code == 303


def test_tidy_removes_old_files_that_nobody_names(app, maria, new_pictures):
    import os

    maria.send("/messages/new", title="Title", body="Text", picture=make_png())
    (kept,) = new_pictures()
    folder = Path(app.config["PICTURES"])
    for name, age in (("0" * 32 + ".png", 9999), (".draft-x", 9999), ("1" * 32 + ".png", 0), ("notes.txt", 9999)):
        folder.joinpath(name).write_bytes(b"")
        moment = folder.joinpath(name).stat().st_mtime - age
        os.utime(folder / name, (moment, moment))
    sample = {path.name for path in folder.iterdir()} - new_pictures()
    with app.app_context():
        assert files.remove_lost(sample | {kept}) == 2
    assert new_pictures() == {kept, "1" * 32 + ".png", "notes.txt"}
