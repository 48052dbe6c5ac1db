"""What stands between the command line and the supervisor."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from hipflask.server import launch as launching
from hipflask.server.launch import (
    Address,
    Plan,
    can_supervise,
    inherited_sockets,
    launch,
    open_listeners,
    read_bind,
)
from hipflask.server.listener import BindError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:80", Address("127.0.0.1", 80)),
        ("localhost:0", Address("localhost", 0)),
        ("[::1]:8000", Address("::1", 8000)),
        ("unix:/a/b.sock", Address("unix:///a/b.sock")),
        ("unix:///a/b.sock", Address("unix:///a/b.sock")),
        ("unix:b.sock", Address("unix://b.sock")),
        ("fd://3", Address("", 0, 3)),
    ],
)
def test_address_is_read(text: str, address: Address) -> None:
    assert read_bind(text) == address


@pytest.mark.parametrize(
    "text", ["", "a", ":80", "a:", "a:b", "::1:80", "unix:", "unix://", "fd://", "fd://x", "a:\u0661"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no address: give HOST:PORT"):
        read_bind(text)


def test_inherited_sockets_are_those_for_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_FDS", "2")
    monkeypatch.setenv("LISTEN_PID", "1")
    assert inherited_sockets() == []
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    monkeypatch.setenv("LISTEN_FDNAMES", "a:b")
    assert inherited_sockets() == [Address("", 0, 3), Address("", 0, 4)]
    assert not {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} & set(os.environ)


def test_sockets_are_taken_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        (taken,) = open_listeners([Address("", 0, os.dup(listener.fileno()))], 8)
        with taken.sock:
            assert (taken.host, taken.unlink) == ("127.0.0.1", None)
            assert taken.sock.getsockname() == listener.getsockname()


def test_descriptors_that_are_no_listening_sockets_are_refused(tmp_path: Path) -> None:
    file = os.open(tmp_path, os.O_RDONLY)
    with socket.socket() as idle, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        for fd in (file, 9999, idle.fileno(), datagrams.fileno()):
            with pytest.raises(BindError, match=f"Descriptor {fd} cannot be served: .*ListenStream"):
                open_listeners([Address("", 0, fd)], 8)
    os.close(file)


def test_one_bad_address_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BindError, match=f"Port {port} .*in use"):
            open_listeners([Address(f"unix://{path}"), Address("127.0.0.1", 0), Address("127.0.0.1", port)], 8)
    assert not path.exists()


class _Replaced(Exception):
    """The process would be another program now."""


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The command lines that the process was replaced by."""
    calls: list[list[str]] = []

    def execv(path: str, command: list[str]) -> None:
        calls.append(command)
        raise _Replaced

    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr(launching, "can_fork", lambda: False)
    return calls


def _launch(replaced: list[list[str]], monkeypatch: pytest.MonkeyPatch, **given: Any) -> dict[str, Any]:
    opened: list[launching.Listener] = []

    def remember(*arguments: Any) -> list[launching.Listener]:
        opened.extend(open_listeners(*arguments))
        return opened

    monkeypatch.setattr(launching, "open_listeners", remember)
    address = given.pop("address", Address("127.0.0.1", 0))
    try:
        with pytest.raises(_Replaced):
            launch(Plan("hello", [address], given))
        assert os.get_inheritable(opened[-1].sock.fileno())
    finally:
        for each in opened:
            each.sock.close()
    command = replaced[-1]
    assert command[:3] == [sys.executable, "-I", "-S"]
    assert Path(command[5], "supervisor.py").exists()
    settings: dict[str, Any] = json.loads(command[6])
    assert settings["forked"] == []
    return settings


def test_settings_are_handed_over(replaced: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _launch(replaced, monkeypatch, workers=3, head_timeout=2.5, pid_file="a.pid", hang_timeout=4.0)
    assert (settings["workers"], settings["preload"], settings["hang_timeout"]) == (3, False, 4.0)
    assert settings["pid_file"] == os.path.abspath("a.pid")
    assert settings["lines"][-1].startswith("Press Ctrl+C to stop (3 workers")
    worker = settings["worker"]
    assert worker["given"]["head_timeout"] == 2.5
    assert worker["is_multiprocess"]
    assert worker["user"] is None


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="users are numbers of Unix")
def test_user_is_found(replaced: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    text = f"{os.getuid()}:{os.getgid()}"
    settings = _launch(replaced, monkeypatch, user=text, address=Address(f"unix://{path}"))
    assert (settings["worker"]["user"]["uid"], settings["worker"]["user"]["gid"]) == (os.getuid(), os.getgid())
    assert settings["sockets"][0]["unlink"] == str(path)
    assert launching._find_user(f"{os.getuid()}") == settings["worker"]["user"]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="users are numbers of Unix")
def test_user_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("no-such-user", "999999999", "root:no-such-group"):
        with pytest.raises(SystemExit, match=f"--user {text}: there is no such user or group"):
            launch(Plan("hello", [], {"user": text}))
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(SystemExit, match="--user root takes administrator rights"):
        launch(Plan("hello", [], {"user": "root"}))


def test_certificate_made_for_each_worker_is_refused() -> None:
    with pytest.raises(SystemExit, match="--cert adhoc makes a certificate for each worker"):
        launch(Plan("hello", [], {"workers": 2}, cert="adhoc"))


def test_process_is_replaced_only_where_its_output_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    assert can_supervise() is hasattr(os, "posix_spawn")
    with monkeypatch.context() as without:
        without.setattr(sys, "executable", "")
        assert not can_supervise()
    monkeypatch.setattr(sys, "stdout", sys.stderr)
    assert not can_supervise()
