"""Sending files with the settings of the current application."""

import datetime
import io

import pytest

from hipflask import Flask, Response, send_file, send_from_directory


@pytest.fixture
def app(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("0123456789")
    (tmp_path / "outside.txt").write_text("outside")
    app = Flask("test_app", root_path=str(tmp_path))
    app.testing = True
    return app


def sent(app, *args, headers=None, function=send_file, **kwargs):
    """The response that a view with this call gives to a client."""
    app.add_url_rule("/", "index", lambda: function(*args, **kwargs))
    return app.test_client().get("/", headers=headers, buffered=True)


def test_path_starts_from_the_application(app):
    response = sent(app, "folder/a.txt")
    assert response.data == b"0123456789"
    assert response.mimetype == "text/plain"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["ETag"]


def test_range_of_the_current_request(app):
    response = sent(app, "folder/a.txt", headers={"Range": "bytes=2-4"})
    assert (response.status_code, response.data) == (206, b"234")


def test_arguments_are_passed_on(app):
    response = sent(
        app,
        io.BytesIO(b"x"),
        mimetype="text/css",
        as_attachment=True,
        download_name="n.css",
        etag="tag",
        conditional=False,
        last_modified=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
        max_age=5,
    )
    assert response.mimetype == "text/css"
    assert response.headers["Content-Disposition"] == "attachment; filename=n.css"
    assert response.headers["ETag"] == '"tag"'
    assert response.headers["Last-Modified"] == "Wed, 01 Jan 2020 00:00:00 GMT"
    assert response.cache_control.max_age == 5


@pytest.mark.parametrize("function", [send_file, send_from_directory])
def test_max_age_is_asked_of_the_application(app, tmp_path, function):
    seen = []
    app.get_send_file_max_age = lambda name: seen.append(str(name)) or 7
    args = ("folder/a.txt",) if function is send_file else ("folder", "a.txt")
    response = sent(app, *args, function=function)
    assert response.cache_control.max_age == 7
    assert [name.rpartition("/")[2] for name in seen] == ["a.txt"]


def test_x_sendfile_is_a_setting(app, tmp_path):
    app.config["USE_X_SENDFILE"] = True
    response = sent(app, "folder/a.txt")
    assert response.headers["X-Sendfile"] == str(tmp_path / "folder" / "a.txt")
    assert response.data == b""


def test_response_class_is_the_applications(app):
    class Own(Response):
        pass

    app.response_class = Own
    with app.test_request_context():
        response = send_file("folder/a.txt")
        assert type(response) is Own
        response.close()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("a.txt", 200),
        ("missing", 404),
        ("../outside.txt", 404),
        ("/etc/passwd", 404),
        ("", 404),
        ("a\0", 404),
    ],
)
def test_directory_is_never_left(app, path, status):
    assert sent(app, "folder", path, function=send_from_directory).status_code == status


def test_directory_options_are_passed_on(app):
    response = sent(app, "folder", "a.txt", function=send_from_directory, as_attachment=True, max_age=9)
    assert response.headers["Content-Disposition"] == "attachment; filename=a.txt"
    assert response.cache_control.max_age == 9


@pytest.mark.parametrize(("has_app", "message"), [(True, "No request context"), (False, "No application context")])
def test_without_request_raises(app, has_app, message):
    def send():
        with pytest.raises(RuntimeError, match=message):
            send_file("folder/a.txt")
        with pytest.raises(RuntimeError, match=message):
            send_from_directory("folder", "a.txt")

    if has_app:
        with app.app_context():
            send()
    else:
        send()


def test_file_object_without_name_or_type(app):
    with app.test_request_context(), pytest.raises(TypeError, match="(?i)mimetype"):
        send_file(io.BytesIO(b"x"))
