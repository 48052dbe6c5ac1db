"""Reports on where the time of a request goes."""

from __future__ import annotations

import cProfile
import importlib
import io
import pstats
from pathlib import Path
from typing import Any, NoReturn

import pytest

from hipflask.middleware.profiler import ProfilerMiddleware


def spend_time() -> int:
    return sum(range(10))


class Body:
    def __init__(self) -> None:
        self.is_closed = False

    def __iter__(self) -> Any:
        yield b"made "
        spend_time()
        yield b"late"

    def close(self) -> None:
        self.is_closed = True


def ask(middleware: Any, path: str = "/x/y", method: str = "GET") -> tuple[Any, list[Any], dict[str, Any]]:
    calls: list[Any] = []

    def start_response(*args: Any) -> Any:
        calls.append(args)

    environ = {"PATH_INFO": path, "REQUEST_METHOD": method}
    return middleware(environ, start_response), calls, environ


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    spend_time()
    return [b"body"]


def test_body_is_made_whole_and_closed() -> None:
    made = Body()

    def write_and_return(environ: dict[str, Any], start_response: Any) -> Body:
        start_response("200 OK", [])(b"written ")
        return made

    stream = io.StringIO()
    body, calls, _ = ask(ProfilerMiddleware(write_and_return, stream))
    assert body == [b"written made late"]
    assert calls == [("200 OK", [], None)]
    assert made.is_closed
    assert "spend_time" in stream.getvalue()


def test_report_names_the_path_and_the_functions() -> None:
    stream = io.StringIO()
    ask(ProfilerMiddleware(app, stream, sort_by=["cumtime"], restrictions=["spend_time"]))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "-" * 80
    assert lines[1] == "PATH: '/x/y'"
    assert "Ordered by: cumulative time" in stream.getvalue()
    assert sum("spend_time)" in line or "(spend_time)" in line for line in lines) == 1
    assert lines[-2:] == ["-" * 80, ""]


def test_report_is_laid_out_as_werkzeugs() -> None:
    pytest.importorskip("werkzeug")
    theirs = importlib.import_module("werkzeug.middleware.profiler").ProfilerMiddleware
    texts = []
    for middleware in (ProfilerMiddleware, theirs):
        stream = io.StringIO()
        answer = ask(middleware(app, stream, restrictions=["spend_time"]))
        assert answer[0] == [b"body"]
        lines = stream.getvalue().splitlines()
        texts.append([line for line in lines if not any(word in line for word in ("seconds", "reduced", "spend_time"))])
    assert texts[0] == texts[1]


def test_stream_of_none_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(ProfilerMiddleware(app, None))[0] == [b"body"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        ("/x/y/", "GET", "GET.x.y."),
        ("/", "POST", "POST.root."),
        ("", "GET", "GET.root."),
        ("/../../etc/p", "GET", "GET.......etc.p."),
        ("/a\0b\\c:d", "GET", "GET.a_b_c_d."),
        ("/x", "../../G", ".._.._G.x."),
        ("/" + "\xff" * 300, "GET", "GET." + "\xff" * 100 + "."),
    ],
    ids=["path", "root", "empty", "up", "odd", "method", "long"],
)
def test_profile_is_saved_under_a_safe_name(tmp_path: Path, path: str, method: str, expected: str) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    ask(ProfilerMiddleware(app, None, profile_dir=str(folder)), path, method)
    [file] = folder.iterdir()
    assert file.name.startswith(expected)
    assert file.name.endswith(".prof")
    assert any(name == "spend_time" for _, _, name in pstats.Stats(str(file)).stats)  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == [folder]


def test_name_of_profile_follows_the_format(tmp_path: Path) -> None:
    ask(ProfilerMiddleware(app, None, profile_dir=str(tmp_path), filename_format="{method}-{path}.out"))
    assert [file.name for file in tmp_path.iterdir()] == ["GET-x.y.out"]


def test_function_names_the_profile(tmp_path: Path) -> None:
    def name(environ: dict[str, Any]) -> str:
        assert set(environ["werkzeug.profiler"]) == {"elapsed", "time"}
        assert environ["werkzeug.profiler"]["elapsed"] >= 0
        return f"{environ['REQUEST_METHOD']}.out"

    ask(ProfilerMiddleware(app, None, profile_dir=str(tmp_path), filename_format=name))
    assert [file.name for file in tmp_path.iterdir()] == ["GET.out"]


def test_error_of_the_application_passes_and_ends_the_profile() -> None:
    def fail(environ: dict[str, Any], start_response: Any) -> NoReturn:
        raise LookupError("of the application")

    stream = io.StringIO()
    with pytest.raises(LookupError, match="of the application"):
        ask(ProfilerMiddleware(fail, stream))
    assert stream.getvalue() == ""
    assert ask(ProfilerMiddleware(app, stream))[0] == [b"body"]


def test_error_while_the_body_is_made_closes_it() -> None:
    class Failing(Body):
        def __iter__(self) -> Any:
            yield b""
            raise LookupError("of the body")

    made = Failing()
    with pytest.raises(LookupError, match="of the body"):
        ask(ProfilerMiddleware(lambda environ, start_response: made, None))
    assert made.is_closed


def test_request_beside_a_profiled_one_is_answered_without(monkeypatch: pytest.MonkeyPatch) -> None:
    # What Python 3.12 does when a profiler is at work in any thread.
    class Busy(cProfile.Profile):
        def enable(self, *args: Any, **kwargs: Any) -> NoReturn:
            raise ValueError("Another profiling tool is already active")

    monkeypatch.setattr("hipflask.middleware.profiler.Profile", Busy)
    stream = io.StringIO()
    body, calls, _ = ask(ProfilerMiddleware(app, stream))
    assert (body, stream.getvalue()) == ([b"body"], "")
    assert calls == [("200 OK", [("Content-Type", "text/plain")])]
