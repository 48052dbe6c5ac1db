"""Static files and files sent by views, with conditions and ranges."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from typing import Any

from tests.conformance.exchange import get, post, send
from tests.conformance.table import case

MODIFIED = 1_700_000_000  # 2023-11-14 22:13:20 UTC
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
LATER = "Wed, 15 Nov 2023 00:00:00 GMT"
EARLIER = "Mon, 13 Nov 2023 00:00:00 GMT"
DIGITS = b"0123456789"


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """A folder of files with fixed dates, removed when the process ends."""
    folder = tempfile.TemporaryDirectory()
    files = {
        "digits.txt": DIGITS,
        "style.css": b"a {}",
        "empty.bin": b"",
        "page.html": "<p>ü".encode(),
        "big.bin": bytes(range(256)) * 400,
        "sub/data.json": b"{}",
        "with space.txt": b"x",
        "archive.tar.gz": b"x",
    }
    for name, content in files.items():
        path = Path(folder.name, "static", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (MODIFIED, MODIFIED))
    Path(folder.name, "secret.txt").write_text("secret")
    return folder


def root() -> str:
    """The folder; a server in another process is told where it is, since entity tags depend on the path."""
    return os.environ.get("CONFORMANCE_FILES") or _folder().name


def _app(flask: Any, **config: Any) -> Any:
    app = flask.Flask("case", root_path=root())
    app.config.update(config)
    return app


@case(
    *(
        get(f"/static/{name}")
        for name in (
            "digits.txt",
            "style.css",
            "empty.bin",
            "page.html",
            "sub/data.json",
            "with%20space.txt",
            "archive.tar.gz",
            "big.bin",
        )
    ),
    send("HEAD", "/static/digits.txt"),
)
def files(flask: Any) -> Any:
    return _app(flask)


@case(
    *(
        get(f"/static/{name}")
        for name in (
            "absent.txt",
            "sub",
            "sub/",
            "",
            "../secret.txt",
            "%2e%2e/secret.txt",
            "sub/../../secret.txt",
            "..%2fsecret.txt",
            "digits.txt/",
            "%00",
        )
    ),
    post("/static/digits.txt"),
)
def files_that_are_not_served(flask: Any) -> Any:
    return _app(flask)


@case(
    get("/static/digits.txt"),
    get("/static/digits.txt", if_none_match="{etag}"),
    get("/static/digits.txt", if_none_match='"other"'),
    get("/static/digits.txt", if_none_match="*"),
    get("/static/digits.txt", if_modified_since=DATE),
    get("/static/digits.txt", if_modified_since=LATER),
    get("/static/digits.txt", if_modified_since=EARLIER),
    get("/static/digits.txt", if_modified_since="nonsense"),
    get("/static/digits.txt", if_match='"other"'),
    get("/static/digits.txt", if_none_match='"other"', if_modified_since=LATER),
    send("HEAD", "/static/digits.txt", if_modified_since=DATE),
)
def conditions(flask: Any) -> Any:
    return _app(flask)


@case(
    *(
        get("/static/digits.txt", range=value)
        for value in (
            "bytes=0-3",
            "bytes=5-",
            "bytes=-3",
            "bytes=0-100",
            "bytes=9-9",
            "bytes=10-",
            "bytes=5-2",
            "bytes=a-b",
            "lines=0-1",
            "bytes=0-1,3-4",
            "bytes=-0",
            "",
        )
    ),
    send("HEAD", "/static/digits.txt", range="bytes=0-3"),
    get("/static/big.bin", range="bytes=1000-1999"),
    get("/static/big.bin", range="bytes=-10"),
    get("/static/empty.bin", range="bytes=0-3"),
)
def ranges(flask: Any) -> Any:
    return _app(flask)


@case(
    get("/static/digits.txt"),
    get("/static/digits.txt", range="bytes=0-3", if_range="{etag}"),
    get("/static/digits.txt", range="bytes=0-3", if_range='"other"'),
    get("/static/digits.txt", range="bytes=0-3", if_range=DATE),
    get("/static/digits.txt", range="bytes=0-3", if_range=EARLIER),
)
def ranges_with_conditions(flask: Any) -> Any:
    return _app(flask)


@case(get("/static/digits.txt"))
def cached(flask: Any) -> Any:
    app = _app(flask)
    app.get_send_file_max_age = lambda filename: 600
    # The date of expiry moves with the clock: only its presence is compared.
    app.after_request(lambda response: response.headers.set("Expires", "later") or response)
    return app


@case(get("/files/a.txt"), get("/old/static/style.css"))
def other_urls(flask: Any) -> Any:
    app = flask.Flask("case", root_path=root(), static_url_path="/files")
    app.add_url_rule("/old/static/<path:filename>", "old", app.send_static_file)
    return app


@case(get("/part/static/digits.txt"), get("/part/static/absent"), get("/link"))
def of_blueprint(flask: Any) -> Any:
    app = flask.Flask("case", static_folder=None)
    part = flask.Blueprint("part", "part", root_path=root(), static_folder="static", url_prefix="/part")
    app.register_blueprint(part)
    app.add_url_rule("/link", "link", lambda: flask.url_for("part.static", filename="digits.txt"))
    return app


@case(
    *(get(f"/{name}") for name in ("memory", "attachment", "unicode", "type", "directory", "escape", "absent", "etag")),
    get("/memory", range="bytes=2-4"),
)
def sent_by_views(flask: Any) -> Any:
    import io

    app = _app(flask)
    folder = Path(root(), "static")
    views = {
        "memory": lambda: flask.send_file(io.BytesIO(DIGITS), mimetype="text/plain", etag=False),
        "attachment": lambda: flask.send_file(folder / "digits.txt", as_attachment=True),
        "unicode": lambda: flask.send_file(folder / "digits.txt", as_attachment=True, download_name="Größe €.txt"),
        "type": lambda: flask.send_file(folder / "digits.txt", mimetype="application/x-own", conditional=False),
        "directory": lambda: flask.send_from_directory(folder, "sub/data.json"),
        "escape": lambda: flask.send_from_directory(folder, "../secret.txt"),
        "absent": lambda: flask.send_from_directory(folder, "absent"),
        "etag": lambda: flask.send_file(folder / "digits.txt", etag="own", last_modified=MODIFIED - 5),
    }
    for name, view in views.items():
        app.add_url_rule(f"/{name}", name, view)
    return app


@case(
    get("/"),
    get("/", if_none_match='"tag"'),
    get("/", if_none_match='W/"tag"'),
    get("/", if_match='"none"'),
    get("/", range="bytes=2-3"),
    post("/"),
)
def conditional_responses(flask: Any) -> Any:
    app = flask.Flask("case")

    def view() -> Any:
        response = flask.Response(DIGITS)
        response.set_etag("tag")
        return response.make_conditional(flask.request, accept_ranges=True, complete_length=len(DIGITS))

    app.add_url_rule("/", "index", view, methods=["GET", "POST"])
    return app


@case(get("/age"), get("/zero"), get("/modified"), get("/name"), get("/plain"), get("/svg"), send("HEAD", "/name"))
def options_of_sent_files(flask: Any) -> Any:
    import datetime
    import io

    app = _app(flask)

    def memory(**options: Any) -> Any:
        def view() -> Any:
            response = flask.send_file(io.BytesIO(DIGITS), etag=False, **options)
            if "Expires" in response.headers:
                response.headers["Expires"] = "later"
            return response

        return view

    moment = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC)
    views = {
        "age": memory(mimetype="text/plain", max_age=60),
        "zero": memory(mimetype="text/plain", max_age=0),
        "modified": memory(mimetype="text/plain", last_modified=moment),
        "name": memory(download_name="a.b.css", as_attachment=True),
        "plain": memory(download_name="noextension"),
        "svg": memory(download_name="x.svg"),
    }
    for name, view in views.items():
        app.add_url_rule(f"/{name}", name, view)
    return app


@case(get("/unnamed"), get("/text"), get("/folder"), get("/gone"))
def files_that_cannot_be_sent(flask: Any) -> Any:
    import io

    app = _app(flask)
    folder = Path(root(), "static")
    app.add_url_rule("/unnamed", "unnamed", lambda: flask.send_file(io.BytesIO(b"x")))
    app.add_url_rule("/text", "text", lambda: flask.send_file(io.StringIO("x"), mimetype="text/plain"))
    app.add_url_rule("/folder", "folder", lambda: flask.send_from_directory(folder, "sub"))
    app.add_url_rule("/gone", "gone", lambda: flask.send_file(folder / "gone.txt"))
    return app


@case(
    get("/static/digits.txt", range="bytes=0-3", if_none_match='"other"'),
    get("/static/digits.txt"),
    get("/static/digits.txt", range="bytes=0-3", if_none_match="{etag}"),
    get("/static/digits.txt", range="bytes=20-", if_modified_since=LATER),
    get("/static/digits.txt", range="bytes=2-3, 5-6", if_range=DATE),
    send("HEAD", "/static/digits.txt", range="bytes=-2"),
    post("/static/digits.txt", range="bytes=-2"),
)
def ranges_and_other_conditions(flask: Any) -> Any:
    return _app(flask)


@case(get("/open"), get("/closed"))
def open_files_are_closed(flask: Any) -> Any:
    app = _app(flask)
    opened: list[Any] = []

    @app.route("/open")
    def show() -> Any:
        opened.append(open(Path(root(), "static/digits.txt"), "rb"))
        return flask.send_file(opened[0], mimetype="text/plain", etag=False)

    app.add_url_rule("/closed", "closed", lambda: str(opened[0].closed))
    return app
