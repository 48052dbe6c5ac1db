"""The supervisor, in real processes: what it starts, replaces and ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from hipflask.server import launch, native, supervisor
from tests.server.supervised import Supervised, is_alive, python_path, supervised, wait_until

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_spawn"), reason="there is no supervisor on this system")


@pytest.fixture(params=["pure", "native"])
def kind(request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment for one kind of server."""
    if request.param == "native" and not native.is_available():
        pytest.skip("the native server is not built")
    return {"HIPFLASK_RUN_SERVER": request.param}


def test_sigterm_answers_what_was_accepted_and_exits_0(tmp_path: Path, kind: dict[str, str]) -> None:
    # The pure server's supervisor is as a person starts it.
    is_measured = kind["HIPFLASK_RUN_SERVER"] == "native"
    with supervised(tmp_path, is_measured=is_measured, environment=kind) as server:
        assert server.get().split()[0] == "one"
        client = server.begin_slow(0.5)
        server.signal(signal.SIGTERM)
        assert client.makefile("rb").read().endswith(b"\r\n\r\nslow")
        client.close()
        assert server.wait() == 0
        assert "SIGTERM: takes no new requests" in server.log
        port = int(server.url.rpartition(":")[2])
        socket.create_server(("127.0.0.1", port)).close()


def test_ctrl_c_ends_all_processes_quietly(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        server.worker_pids(2)
        os.killpg(server.process.pid, signal.SIGINT)  # as a terminal sends it
        assert server.wait() == 0
        assert "Traceback" not in server.log


def test_second_signal_ends_at_once(tmp_path: Path) -> None:
    with supervised(tmp_path) as server:
        client = server.begin_slow(25)
        began = time.monotonic()
        server.signal(signal.SIGINT)
        server.wait_for("SIGINT: takes no new requests")
        server.signal(signal.SIGINT)
        assert server.wait() == 1
        assert time.monotonic() - began < 10
        client.close()


def test_requests_that_take_too_long_are_cut(tmp_path: Path) -> None:
    with supervised(tmp_path, "--graceful-timeout", "0.3") as server:
        client = server.begin_slow(25)
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert time.monotonic() - began < 10
        client.close()


def test_configuration_may_give_more_time_to_end(tmp_path: Path) -> None:
    with supervised(tmp_path) as server:
        server.write("two", "app.config['SERVER_GRACEFUL_TIMEOUT'] = 0.2")
        assert server.get().split()[0] in {"one", "two"}
        server.signal(signal.SIGHUP)
        server.wait_for("Reloaded")
        client = server.begin_slow(25)
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        client.close()


def test_dead_worker_is_replaced_at_once(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        before = server.worker_pids(2)
        server.drop("/die")
        server.wait_for("Worker [0-9]+ ended with status 3; another one starts at once")
        victim = int(server.wait_for("Worker ([0-9]+) ended")[1])
        os.kill(next(iter(before - {victim})), signal.SIGKILL)
        server.wait_for("was ended by SIGKILL, perhaps because memory ran out; another one starts at once")
        assert not server.worker_pids(2) & before


@pytest.mark.slow
def test_worker_that_keeps_dying_is_replaced_ever_more_slowly(tmp_path: Path) -> None:
    with supervised(tmp_path) as server:
        for _ in range(2):
            wait_until(server.answers, "an answer")
            server.drop("/die")
        server.wait_for(r"another one starts in 0\.5 s")
        server.write("two", "raise ValueError('broken')")
        server.wait_for(r"while it started: Importing hello .*ValueError: broken.*; another one starts in 1\.0 s")
        server.write("three")
        server.wait_for(r"starts in [12]\.0 s")
        assert wait_until(lambda: server.get().split()[0], "an answer") == "three"


@pytest.mark.slow
def test_stuck_worker_is_replaced_and_says_where(tmp_path: Path, kind: dict[str, str]) -> None:
    with supervised(tmp_path, "--workers", "2", "--hang-timeout", "0.6", environment=kind) as server:
        server.worker_pids(2)
        client = server.send("/stick")
        stuck = server.wait_for(r"Worker ([0-9]+) gave no sign of life for 1 s; it is replaced")[1]
        server.wait_for(r'hello\.py", line [0-9]+ in stick')
        server.wait_for(f"Worker {stuck} was ended by SIGABRT; another one starts")
        assert int(stuck) not in server.worker_pids(2)
        client.close()


def test_slow_view_is_no_hang(tmp_path: Path) -> None:
    with supervised(tmp_path, "--hang-timeout", "0.5") as server:
        assert server.get("/slow/1.5") == "slow"
        assert "sign of life" not in server.log


@pytest.mark.slow
def test_reload_takes_new_code_without_losing_a_request(tmp_path: Path, kind: dict[str, str]) -> None:
    with supervised(tmp_path, "--workers", "2", environment=kind) as server:
        old = server.worker_pids(2)
        answers: list[str] = []
        failures: list[OSError] = []
        is_over = threading.Event()

        def ask() -> None:
            while not is_over.is_set():
                try:
                    answers.append(server.get().split()[0])
                except OSError as error:
                    failures.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            server.write("two")
            server.signal(signal.SIGHUP)
            server.wait_for("Reloads: starts new workers")
            server.signal(signal.SIGHUP)  # during the first one
            server.wait_for("Reloaded: 2 new, 2 old", 2)
            wait_until(lambda: not any(map(is_alive, old)), "the end of the old workers")
        finally:
            is_over.set()
            thread.join()
        assert failures == []
        assert {"one", "two"} >= set(answers)
        assert server.get().split()[0] == "two"


def test_reload_of_broken_code_keeps_the_old_workers(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2") as server:
        old = server.worker_pids(2)
        server.write("two", "import no_such_module")
        server.signal(signal.SIGHUP)
        line = server.wait_for("Not reloaded: .*")[0]
        assert "line 34: ModuleNotFoundError: No module named 'no_such_module'" in line or "no_such_module" in line
        assert "The workers of before go on" in line
        assert server.worker_pids(2) == old
        server.write("three")
        server.signal(signal.SIGHUP)
        server.wait_for("Reloaded")
        assert server.get().split()[0] == "three"


@pytest.mark.slow
def test_kill_of_the_supervisor_frees_the_port(tmp_path: Path, kind: dict[str, str]) -> None:
    with supervised(tmp_path, "--workers", "2", environment=kind) as server:
        workers = server.worker_pids(2)
        port = int(server.url.rpartition(":")[2])
        with server.begin_slow(25):
            server.signal(signal.SIGKILL)
            wait_until(lambda: not any(map(is_alive, workers)), "the end of the workers")
            wait_until(lambda: can_listen(port), "the release of the port")


def can_listen(port: int) -> bool:
    """Return whether a server may listen on a port of this machine."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.mark.slow
def test_preload_forks_workers_and_reloads(tmp_path: Path) -> None:
    with supervised(tmp_path, "--workers", "2", "--preload") as server:
        old = server.worker_pids(2)
        parents = {int(server.get().split()[2]) for _ in range(5)}
        assert len(parents) == 1
        assert parents != {server.process.pid}
        server.drop("/die")
        server.wait_for("Worker [0-9]+ ended; another one starts at once")
        assert server.worker_pids(2) != old
        server.write("two")
        server.signal(signal.SIGHUP)
        server.wait_for("Reloaded")
        assert server.get().split()[0] == "two"
        wait_until(lambda: not any(map(is_alive, parents)), "the end of the old preloading process")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


@pytest.mark.slow
def test_dead_preloading_process_is_replaced(tmp_path: Path) -> None:
    with supervised(tmp_path, "--preload") as server:
        _, worker, parent = server.get().split()
        os.kill(int(parent), signal.SIGKILL)
        server.wait_for(f"Preloading process {parent} was ended by SIGKILL.*the application is imported again")
        server.wait_for("Reloaded")
        assert server.get().split()[1:] != [worker, parent]


def test_pid_file_is_there_while_the_server_is(tmp_path: Path) -> None:
    path = tmp_path / "server.pid"
    path.write_text("999999999\n")  # of a process that is gone
    with supervised(tmp_path, "--pid-file", "server.pid") as server:
        server.get()
        assert path.read_text() == f"{server.process.pid}\n"
        with supervised(tmp_path, "--pid-file", "server.pid") as other:
            assert other.wait() == 1
            assert f"names process {server.process.pid}, which runs" in other.log
        assert path.exists()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert not path.exists()


def test_pid_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with supervised(tmp_path, "--pid-file", "no/such/folder") as server:
        assert server.wait() == 1
        assert server.log.startswith("Error: The process number cannot be written to ")


@pytest.mark.parametrize(
    ("more", "args", "status", "message"),
    [
        pytest.param("raise ValueError('broken')", (), 1, "ValueError: broken. The whole", id="code"),
        pytest.param("raise ValueError('broken')", ("--preload",), 1, "ValueError: broken. The whole", id="preloaded"),
        pytest.param("import os; os._exit(7)", (), 1, "Worker [0-9]+ ended with status 7 before", id="exit-now"),
        pytest.param("import sys; sys.exit(5)", (), 5, r"ended the process while .*SystemExit\(5\)", id="exit"),
        pytest.param("del app", (), 2, "hello.*no Flask object", id="no-app"),
        pytest.param("time.sleep(30)", ("--start-timeout", "0.5"), 1, "not ready within 0.5 s", id="too-slow"),
        pytest.param(
            "time.sleep(30)", ("--preload", "--start-timeout", "0.5"), 1, "not ready within", id="preload-slow"
        ),
        pytest.param("app.config['SERVER_THREADS'] = 0", (), 1, "SERVER_THREADS: 0 is not a whole", id="setting"),
        pytest.param("app.on_startup(lambda: 1 / 0)", (), 1, "A function of on_startup failed", id="on-startup"),
        pytest.param("", ("--health-check", "/none"), 1, "GET /none .* status 404", id="health-check"),
    ],
)
def test_failing_start_is_told_in_one_line(
    tmp_path: Path, more: str, args: tuple[str, ...], status: int, message: str
) -> None:
    server = Supervised.__new__(Supervised)
    server.folder = tmp_path
    server.write("one", more)
    with supervised(tmp_path, *args) as server:
        server.wait_for(f"(?m)^Error: .*{message}")
        assert server.wait() == status
        assert len(re.findall("(?m)^Error: ", server.log)) == 1


def _write_python(path: Path) -> None:
    path.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    path.chmod(0o755)


def test_python_that_is_gone_is_told(tmp_path: Path) -> None:
    with supervised(tmp_path, environment={"TEST_PYTHON": str(tmp_path / "python")}) as server:
        assert server.wait() == 1
        assert server.log == "Error: No process could be started: No such file or directory.\n"


@pytest.mark.parametrize("args", [(), ("--preload",)], ids=["workers", "preload"])
def test_python_that_is_gone_for_a_while_is_waited_for(tmp_path: Path, args: tuple[str, ...]) -> None:
    python = tmp_path / "python"
    _write_python(python)
    with supervised(tmp_path, *args, environment={"TEST_PYTHON": str(python)}) as server:
        before = server.get()
        python.rename(tmp_path / "away")
        server.signal(signal.SIGHUP)
        server.wait_for("Not reloaded: No process could be started: No such file or directory")
        assert server.get() == before
        server.drop("/die")
        if not args:
            server.wait_for("No process could be started: No such file or directory. Tries again")
            (tmp_path / "away").rename(python)
        wait_until(server.answers, "an answer")


def test_closed_terminal_ends_the_server(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    with supervised(tmp_path, stdin=theirs) as server:
        server.get()
        os.close(theirs)
        os.close(ours)
        server.signal(signal.SIGHUP)  # the kernel's, where it is the controlling terminal
        assert server.wait() == 0
        assert "Reload" not in server.log


def test_worker_that_closes_its_channel_is_replaced(tmp_path: Path) -> None:
    with supervised(tmp_path) as server:
        server.write("two", "app.add_url_rule('/close', 'close', lambda: os.closerange(3, 256))")
        before = server.worker_pids(1)
        server.signal(signal.SIGHUP)
        server.wait_for("Reloaded")
        server.drop("/close")
        server.wait_for("another one starts at once")
        wait_until(server.answers, "an answer")
        assert server.worker_pids(1) != before


@pytest.mark.slow
def test_supervisor_that_stood_still_blames_nobody(tmp_path: Path) -> None:
    with supervised(tmp_path, "--hang-timeout", "1") as server:
        before = server.get()
        os.killpg(server.process.pid, signal.SIGSTOP)
        stopped = time.monotonic()
        wait_until(lambda: time.monotonic() - stopped > 5, "a while")
        os.killpg(server.process.pid, signal.SIGCONT)
        assert server.get() == before
        assert "sign of life" not in server.log


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"ready": ["a"], "graceful_timeout": 1.5}', {"ready": ["a"], "graceful_timeout": 1.5}),
        (b'{"pid": "1", "ready": 5, "failed": [], "other": 1}', {}),
        (b"[1]", {}),
        (b"\xff{", {}),
        (b"nonsense", {}),
    ],
)
def test_what_no_worker_says_is_ignored(line: bytes, message: dict[str, object]) -> None:
    assert supervisor._read_message(line) == message


def test_other_processes_are_known_to_live() -> None:
    assert supervisor._is_alive(1)
    assert not supervisor._is_alive(2**40)


def test_program_takes_its_settings_as_an_argument(tmp_path: Path) -> None:
    settings = json.dumps({"sockets": [], "forked": [], "pid_file": str(tmp_path / "no/folder")})
    program = "from hipflask.server.supervisor import main; main()"
    folder = os.path.dirname(supervisor.__file__)
    for command in (["-c", program], ["-I", "-S", "-c", launch._START_SUPERVISOR, folder]):
        done = subprocess.run([sys.executable, *command, settings], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("Error: The process number cannot be written to ")


def test_missing_application_is_told(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text("")
    with supervised(tmp_path) as server:
        assert server.wait() == 2


def test_stop_while_the_application_is_imported(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text("open('importing', 'w').close(); import time; time.sleep(25)")
    with supervised(tmp_path) as server:
        wait_until((tmp_path / "importing").exists, "the import")
        server.signal(signal.SIGHUP)  # nothing to reload yet
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


def test_health_check_keeps_bad_workers_out_of_a_reload(tmp_path: Path) -> None:
    with supervised(tmp_path, "--health-check", "/told") as server:
        server.get()
        server.write("two", "app.view_functions['told'] = lambda: ('ill', 503)")
        server.signal(signal.SIGHUP)
        server.wait_for("Not reloaded: The health check .GET /told HTTP/1.1. was answered with status 503")
        assert server.get().split()[0] == "one"


def test_several_addresses_are_served(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with supervised(tmp_path, "--bind", "127.0.0.1:0", "--bind", f"unix:{path}") as server:
        for _ in range(2):
            server.get()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                assert client.makefile("rb").read().startswith(b"HTTP/1.1 200 OK\r\n")
            server.signal(signal.SIGHUP)
            server.wait_for("Reloaded")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        assert not path.exists()


def test_sockets_of_systemd_are_served(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd = listener.fileno()
        (tmp_path / "hello.py").write_text(
            "import os\nfrom hipflask import Flask\napp = Flask(__name__)\n"
            "app.add_url_rule('/', 'index', lambda: str('LISTEN_FDS' in os.environ))"
        )
        script = (
            f"import os, sys; os.dup2({fd}, 3); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1');"
            "os.execv(sys.executable, [sys.executable, '-m', 'hipflask', '--app', 'hello', 'run'])"
        )
        command = [sys.executable, "-c", script]
        with subprocess.Popen(
            command, cwd=tmp_path, pass_fds=[fd], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            port = listener.getsockname()[1]
            assert process.stderr.readline() == f" * Running on http://127.0.0.1:{port}\n"
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                assert client.makefile("rb").read().endswith(b"False")
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
        assert process.returncode == 0


def test_processes_left_to_the_supervisor_are_reaped(tmp_path: Path) -> None:
    if not Path("/proc/self/task").exists():
        pytest.skip("needs /proc")
    server = Supervised.__new__(Supervised)
    server.folder = tmp_path
    server.write(
        "one",
        "@app.get('/orphan')\n"
        "def orphan():\n"
        "    if os.fork() == 0:\n"
        "        if (pid := os.fork()) == 0:\n"
        "            time.sleep(0.2)\n"
        "            os._exit(0)\n"
        "        open('orphan', 'w').write(str(pid))\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "    return open('orphan').read()\n",
    )
    # As process 1 of a container does, this one gets the children of those that die (PR_SET_CHILD_SUBREAPER).
    (tmp_path / "sitecustomize.py").write_text(
        "import ctypes, sys\nif 'supervisor' in ''.join(sys.orig_argv):\n    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)\n"
    )
    with supervised(tmp_path, environment={"PYTHONPATH": python_path(tmp_path)}) as server:
        pid = int(server.get("/orphan"))
        wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the orphan's end")


def test_log_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    path = tmp_path / "a.sock"
    with supervised(tmp_path, "--bind", f"unix:{path}", stderr=writer) as server:
        os.close(writer)
        assert b"Running on" in os.read(reader, 4096)
        os.close(reader)
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nnonsense\r\n\r\n")
                assert client.makefile("rb").read().startswith(b"HTTP/1.1 200 OK\r\n")
        server.signal(signal.SIGTERM)
        assert server.wait() == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may become another user")
def test_workers_run_as_another_user(tmp_path: Path) -> None:
    with supervised(tmp_path, "--user", f"{os.getuid()}:1") as server:
        assert '"gid":1' in server.get("/told")


@pytest.mark.parametrize("is_imported", [False, True], ids=["files", "context"])
def test_https_is_served_by_the_pure_server(tmp_path: Path, is_imported: bool) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    command += " -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    try:
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    args = ("--cert", "cert.pem", "--key", "key.pem")
    if is_imported:
        (tmp_path / "tls.py").write_text(
            "import ssl\ncontext = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\n"
            "context.load_cert_chain('cert.pem', 'key.pem')\n"
        )
        args = ("--cert", "tls:context")
    with supervised(tmp_path, *args, environment={"PYTHONPATH": python_path(tmp_path)}) as server:
        port = int(server.wait_for(r"Running on https://127\.0\.0\.1:([0-9]+)\n")[1])
        server.wait_for("The pure-Python server serves: the native one")
        context = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/told", context=context, timeout=20) as answer:
            assert b'"scheme":"https"' in answer.read()


def test_settings_reach_the_workers(tmp_path: Path, kind: dict[str, str]) -> None:
    args = ("--workers", "2", "--trusted-proxies", "1", "--without-threads", "--access-log", "json")
    with supervised(tmp_path, *args, environment=kind) as server:
        told = server.get("/told", **{"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Proto": "https"})
        for part in ('"ip":"10.1.2.3"', '"scheme":"https"', '"multiprocess":true'):
            assert part in told
        if kind["HIPFLASK_RUN_SERVER"] == "pure":
            assert '"multithread":false' in told
        server.wait_for(r'"method": "GET", "target": "/told"')
