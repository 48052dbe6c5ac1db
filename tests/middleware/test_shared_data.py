"""Files below a path: what is served, what caches are told, and what is never served."""

from __future__ import annotations

import importlib
import os
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hipflask.http.exceptions import NotFound
from hipflask.middleware.shared_data import SharedDataMiddleware
from hipflask.testing.builder import create_environ
from hipflask.testing.wsgi_run import run_wsgi_app

MODIFIED = 1_700_000_000.5
FILES = {
    "a.txt": "hello",
    "b.html": "<p>",
    "c": "raw",
    "d.tar.gz": "gz",
    "e.js": "js",
    "f.json": "{}",
    "g.svg": "<svg>",
    ".hidden": "dot",
    "empty.txt": "",
    "sp ace.txt": "space",
    "p%41.txt": "percent",
    "ü.txt": "umlaut",
    "sub/x.txt": "x",
    "sub/deep/y.txt": "y",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared") / "files"
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.utime(path, (MODIFIED, MODIFIED))
    (folder / "link.txt").symlink_to(folder / "a.txt")
    (folder.parent / "secret.txt").write_text("secret")
    return folder


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Packages with files: one in a folder, one in an archive, one without ``__init__``."""
    root = tmp_path_factory.mktemp("packages")
    for package in ("shared_sample", "shared_namespace"):
        (root / package / "static/in").mkdir(parents=True)
        (root / package / "static/s.txt").write_text("packaged")
        os.utime(root / package / "static/s.txt", (MODIFIED, MODIFIED))
        (root / package / "secret.txt").write_text("secret")
    (root / "shared_sample/__init__.py").write_text("raise RuntimeError('imported')")
    with zipfile.ZipFile(root / "archive.zip", "w") as archive:
        archive.writestr("shared_zipped/__init__.py", "")
        archive.writestr("shared_zipped/static/s.txt", "zipped")
    before = sys.path[:]
    sys.path[:0] = [str(root), str(root / "archive.zip")]
    yield
    sys.path[:] = before


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("404 NOT FOUND", [("Content-Type", "text/plain")])
    return [b"app"]


def get(middleware: Any, path: str, method: str = "GET", **headers: str) -> tuple[str, dict[str, str], bytes]:
    environ = create_environ("/", method=method, headers={k.replace("_", "-"): v for k, v in headers.items()})
    environ["PATH_INFO"] = path
    body, status, fields = run_wsgi_app(middleware, environ)
    data = b"".join(body)
    getattr(body, "close", lambda: None)()
    return status, dict(fields), data


def status_and_body(*args: Any, **kwargs: Any) -> tuple[int, bytes]:
    status, _, body = get(*args, **kwargs)
    return int(status[:3]), body


def test_file_comes_with_what_caches_need(folder: Path) -> None:
    status, headers, body = get(SharedDataMiddleware(app, {"/s": str(folder)}), "/s/a.txt")
    assert (status, body) == ("200 OK", b"hello")
    assert datetime.strptime(headers.pop("Expires"), "%a, %d %b %Y %H:%M:%S GMT") > datetime.strptime(
        headers.pop("Date"), "%a, %d %b %Y %H:%M:%S GMT"
    )
    assert headers == {
        "Etag": '"wzsdm-1700000000.5-5-90309104"',
        "Cache-Control": "max-age=43200, public",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": "5",
        "Last-Modified": "Tue, 14 Nov 2023 22:13:20 GMT",
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/s/b.html", "text/html; charset=utf-8"),
        ("/s/c", "application/octet-stream"),
        ("/s/d.tar.gz", "application/x-tar"),
        ("/s/e.js", "text/javascript; charset=utf-8"),
        ("/s/f.json", "application/json"),
        ("/s/g.svg", "image/svg+xml; charset=utf-8"),
    ],
)
def test_media_type_follows_the_name(folder: Path, path: str, expected: str) -> None:
    assert get(SharedDataMiddleware(app, {"/s": str(folder)}), path)[1]["Content-Type"] == expected


@pytest.mark.parametrize(
    ("fallback", "expected"), [("x/y", "x/y"), ("text/plain", "text/plain; charset=utf-8")], ids=["other", "text"]
)
def test_media_type_of_names_that_tell_none(folder: Path, fallback: str, expected: str) -> None:
    middleware = SharedDataMiddleware(app, {"/s": str(folder)}, fallback_mimetype=fallback)
    assert get(middleware, "/s/c")[1]["Content-Type"] == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/s/sub/deep/y.txt", b"y"),
        ("/s/sub/../a.txt", b"hello"),
        ("/s/a.txt/", b"hello"),
        ("/s/.hidden", b"dot"),
        ("/s/empty.txt", b""),
        ("/s/sp ace.txt", b"space"),
        ("/s/p%41.txt", b"percent"),
        ("/s/\xc3\xbc.txt", b"umlaut"),
        ("/s/link.txt", b"hello"),
        ("/file", b"hello"),
        ("/file/", b"hello"),
        ("/file/anything", b"hello"),
        ("/slash/a.txt", b"hello"),
    ],
)
def test_path_leads_to_file(folder: Path, path: str, expected: bytes) -> None:
    exports = {"/s": str(folder), "/file": str(folder / "a.txt"), "/slash/": str(folder)}
    assert status_and_body(SharedDataMiddleware(app, exports), path) == (200, expected)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/s",
        "/s/",
        "/s/.",
        "/s/..",
        "/s/sub",
        "/s/sub/",
        "/sx",
        "/sa.txt",
        "s/a.txt",
        "/s/none.txt",
        "/s/A.TXT",
        "/s/../files/a.txt",
        "/s/../secret.txt",
        "/s/sub/../../secret.txt",
        "/s//etc/passwd",
        "/s//a.txt",
        "/s/../../../../../../../../etc/passwd",
        "/s/%2e%2e/secret.txt",
        "/s/..\\secret.txt",
        "/s/a\0.txt",
        "/s/\xfc.txt",
        "/s/a.txt/b",
        "/s/" + "a" * 300,
        "/s/" + "../" * 20000 + "etc/passwd",
    ],
    ids=lambda path: repr(path[:20]),
)
def test_path_without_file_goes_to_the_application(folder: Path, path: str) -> None:
    assert status_and_body(SharedDataMiddleware(app, {"/s": str(folder)}), path) == (404, b"app")


@pytest.mark.parametrize("path", ["/s", "/s/", "/s/sub", "/s/sub/"])
def test_folder_is_never_listed(folder: Path, path: str) -> None:
    assert status_and_body(SharedDataMiddleware(NotFound(), {"/s": str(folder)}), path)[0] == 404


TAG = '"wzsdm-1700000000.5-5-90309104"'
CONDITIONS = [
    pytest.param({"If_None_Match": TAG}, 304, id="same-tag"),
    pytest.param({"If_None_Match": f'"x", {TAG}'}, 304, id="one-of-tags"),
    pytest.param({"If_None_Match": "W/" + TAG}, 304, id="weak"),
    pytest.param({"If_None_Match": "*"}, 304, id="any"),
    pytest.param({"If_None_Match": '"x"'}, 200, id="other-tag"),
    pytest.param({"If_None_Match": '"'}, 200, id="half-a-tag"),
    pytest.param({"If_Modified_Since": "Tue, 14 Nov 2023 22:13:20 GMT"}, 304, id="same-time"),
    pytest.param({"If_Modified_Since": "Tue, 14 Nov 2023 22:13:19 GMT"}, 200, id="changed-since"),
    pytest.param({"If_Modified_Since": "yesterday"}, 200, id="no-time"),
    pytest.param(
        {"If_None_Match": '"x"', "If_Modified_Since": "Tue, 14 Nov 2023 22:13:20 GMT"}, 200, id="tag-wins-over-time"
    ),
    pytest.param({"If_Match": TAG}, 200, id="match"),
    pytest.param({"Range": "bytes=0-1"}, 200, id="range"),
]


@pytest.mark.parametrize(("conditions", "expected"), CONDITIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_condition_decides_whether_the_file_is_sent(
    folder: Path, conditions: dict[str, str], expected: int, method: str
) -> None:
    status, headers, body = get(SharedDataMiddleware(app, {"/s": str(folder)}), "/s/a.txt", method, **conditions)
    assert int(status[:3]) == expected
    if expected == 304:
        assert body == b""
        assert set(headers) == {"Etag", "Date", "Cache-Control"}
    else:
        assert body == (b"hello" if method == "GET" else b"")
        assert headers["Content-Length"] == "5"


def test_if_match_that_fails_is_412(folder: Path) -> None:
    answer = status_and_body(SharedDataMiddleware(app, {"/s": str(folder)}), "/s/a.txt", If_Match='"x"')
    assert answer == (412, b"")


def test_without_cache_the_file_is_always_sent(folder: Path) -> None:
    middleware = SharedDataMiddleware(app, {"/s": str(folder)}, cache=False)
    status, headers, body = get(middleware, "/s/a.txt", If_None_Match=TAG)
    assert (status, body) == ("200 OK", b"hello")
    assert headers["Cache-Control"] == "public"
    assert not {"Etag", "Expires"} & set(headers)


def test_cache_timeout_is_told(folder: Path) -> None:
    headers = get(SharedDataMiddleware(app, {"/s": str(folder)}, cache_timeout=5), "/s/a.txt")[1]
    assert headers["Cache-Control"] == "max-age=5, public"


@pytest.mark.parametrize(
    ("disallow", "refused"),
    [
        ("*.txt", {"a.txt", "sub/x.txt"}),
        ("a.txt", {"a.txt"}),
        ("sub/*", set()),
        (["*.html", ".*"], {"b.html", ".hidden"}),
        ((), set()),
    ],
    ids=["pattern", "name", "folder", "list", "none"],
)
def test_disallowed_names_go_to_the_application(folder: Path, disallow: Any, refused: set[str]) -> None:
    middleware = SharedDataMiddleware(app, {"/s": str(folder)}, disallow)
    names = ["a.txt", "b.html", "sub/x.txt", ".hidden"]
    assert {name for name in names if status_and_body(middleware, f"/s/{name}")[0] == 404} == refused


def test_is_allowed_can_be_overridden(folder: Path) -> None:
    asked = []

    class Picky(SharedDataMiddleware):
        def is_allowed(self, filename: str) -> bool:
            asked.append(filename)
            return filename == "a.txt"

    middleware = Picky(app, {"/s": str(folder)})
    assert status_and_body(middleware, "/s/a.txt") == (200, b"hello")
    assert status_and_body(middleware, "/s/sub/x.txt") == (404, b"app")
    assert asked == ["a.txt", "x.txt"]


def test_first_export_with_the_file_answers(folder: Path) -> None:
    exports = [("/s", str(folder / "none.txt")), ("/s", str(folder / "sub")), ("/s", str(folder))]
    middleware = SharedDataMiddleware(app, exports)
    assert [path for path, _ in middleware.exports] == ["/s", "/s", "/s"]
    assert status_and_body(middleware, "/s/x.txt") == (200, b"x")
    assert status_and_body(middleware, "/s/a.txt") == (200, b"hello")


@pytest.mark.parametrize(
    ("package", "path", "expected"),
    [
        ("shared_sample", "/p/s.txt", b"packaged"),
        ("shared_zipped", "/p/s.txt", b"zipped"),
        ("shared_sample", "/p/in/../s.txt", b"packaged"),
    ],
)
def test_package_is_served_without_being_imported(packages: None, package: str, path: str, expected: bytes) -> None:
    middleware = SharedDataMiddleware(app, {"/p": (package, "static")})
    first, second = get(middleware, path), get(middleware, path)
    assert first[::2] == ("200 OK", expected)
    assert first[1]["Content-Length"] == str(len(expected))
    assert first[1]["Etag"] == second[1]["Etag"]
    assert package not in sys.modules


@pytest.mark.parametrize("package", ["shared_sample", "shared_zipped"])
@pytest.mark.parametrize(
    "path", ["/p", "/p/", "/p/in", "/p/../secret.txt", "/p//s.txt", "/p/none", "/p/\0", "/p/" + "a" * 300]
)
def test_package_has_no_other_files(packages: None, package: str, path: str) -> None:
    assert status_and_body(SharedDataMiddleware(app, {"/p": (package, "static")}), path) == (404, b"app")


@pytest.mark.parametrize("package", ["no_such_package", "sys", "shared_namespace"])
def test_package_that_has_no_files_is_told(packages: None, package: str) -> None:
    with pytest.raises(ImportError, match=f"no package '{package}' with"):
        SharedDataMiddleware(app, {"/p": (package, "static")})


@pytest.mark.parametrize("value", [5, ["package", "static"], None])
def test_export_of_another_kind_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot serve .* under '/p'"):
        SharedDataMiddleware(app, {"/p": value})


def test_file_that_vanishes_goes_to_the_application(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello")
    middleware = SharedDataMiddleware(app, {"/file": str(path)})
    path.unlink()
    assert status_and_body(middleware, "/file") == (404, b"app")


def test_loaders_give_name_and_opener(folder: Path) -> None:
    middleware = SharedDataMiddleware(app, {})
    load = middleware.get_directory_loader(str(folder))
    assert load(None) == load("sub") == load("../secret.txt") == (None, None)
    name, opener = load("sub/x.txt")
    assert name == "x.txt"
    assert opener is not None
    file, modified, size = opener()
    with file:
        assert (file.read(), modified, size) == (b"x", datetime.fromtimestamp(MODIFIED, UTC), 1)
    name, opener = middleware.get_file_loader(str(folder / "a.txt"))(None)
    assert name == "a.txt"


def test_body_is_the_servers_file_wrapper(folder: Path) -> None:
    made = []

    def wrapper(file: Any, size: int) -> list[bytes]:
        made.append(file)
        return [file.read()]

    environ = create_environ("/s/a.txt") | {"wsgi.file_wrapper": wrapper}
    middleware = SharedDataMiddleware(app, {"/s": str(folder)})
    assert list(middleware(environ, lambda *args: bytes)) == [b"hello"]
    made[0].close()


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    ("path", "conditions"),
    [
        *((path, {}) for path in ["/s/a.txt", "/s/c", "/s/d.tar.gz", "/s/sub", "/f", "/f/", "/x"]),
        *(("/s/a.txt", condition.values[0]) for condition in CONDITIONS),
    ],
)
@pytest.mark.parametrize("options", [{}, {"cache": False}, {"cache_timeout": 7, "disallow": "*.gz"}])
def test_answer_is_that_of_werkzeug(
    folder: Path, method: str, path: str, conditions: dict[str, str], options: dict[str, Any]
) -> None:
    pytest.importorskip("werkzeug")
    theirs = importlib.import_module("werkzeug.middleware.shared_data").SharedDataMiddleware
    exports = {"/s": str(folder), "/f": str(folder / "b.html")}
    answers = []
    for middleware in (SharedDataMiddleware, theirs):
        status, headers, body = get(middleware(app, exports, **options), path, method, **conditions)
        for name in ("Date", "Expires"):
            if name in headers:
                headers[name] = "then"
        answers.append((status, headers, body))
    assert answers[0] == answers[1]


def test_etag_is_that_of_werkzeug() -> None:
    pytest.importorskip("werkzeug")
    theirs = importlib.import_module("werkzeug.middleware.shared_data").SharedDataMiddleware
    for name, time in [("a.txt", MODIFIED), ("ü", 0.0)]:
        args = (datetime.fromtimestamp(time, UTC), 5, name)
        assert SharedDataMiddleware(app, {}).generate_etag(*args) == theirs(app, {}).generate_etag(*args)
