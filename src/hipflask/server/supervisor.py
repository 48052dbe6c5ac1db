"""The main process: starts worker processes, replaces those that die or hang, and ends them.

``hipflask run`` binds the sockets, forks the first workers, then puts this program in its own place (``execv``), so
that the process number stays. It imports the standard library only: nothing that the application or a broken
installation does can end it.

Each worker has one end of a socket pair, its channel. Lines come from it: empty ones (a sign of life, sent by a Python
thread, so that a slow view counts as alive and an interpreter that is stuck does not), and JSON objects: ``{"pid"}``,
``{"ready"}``, ``{"failed", "status"}``. A ``D`` goes to it: take nothing new, answer what was accepted, end. The end of
the channel tells each side of the other's death. With ``--preload`` a further process imports the application and forks
a worker for each ``F`` that comes with a channel.
"""

from __future__ import annotations

import json
import os
import select
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False  # typing's own costs its import, a tenth of this program's start
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Child", "Generation", "Supervisor", "main", "say"]

#: A worker that has served for so long did not die of its start: the next one starts at once.
STEADY_SECONDS = 2.0
#: The longest pause before another start, and the first one; each failure doubles it.
MOST_DELAY_SECONDS = 30.0
FIRST_DELAY_SECONDS = 0.5
#: How long a stuck worker has to print where it is stuck.
ABORT_SECONDS = 1.0
#: Workers cut their own requests when the graceful time is over, and have this long to end.
EXTRA_SECONDS = 2.0
#: The supervisor itself stood still for longer (a laptop's lid, Ctrl+Z): silence of workers proves nothing.
STILL_SECONDS = 3.0
#: Of what a child says; longer is not ours.
MOST_BUFFERED = 256 * 1024
_TICK_SECONDS = 0.1
_IDLE_TICK_SECONDS = 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def say(text: str) -> None:
    """Write a line to stderr; a terminal or pipe that takes nothing never holds the supervisor up."""
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S %z")
    _write(f"[{stamp}] hipflask {os.getpid()}: {_printable(text)}\n")


def _printable(text: str) -> str:
    """Return a text in one line, which steers no terminal: it may come from the application."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)


def _write(text: str) -> None:
    with suppress(OSError, ValueError):
        if select.select([], [2], [], 0)[1]:
            os.write(2, text.encode(errors="backslashreplace"))


_KINDS: dict[str, Any] = {
    "pid": int,
    "ready": list,
    "graceful_timeout": (int, float),
    "failed": str,
    "status": int,
}


def _read_message(line: bytes) -> dict[str, Any]:
    """Return a child's message, an empty one for what cannot be ours: an application may write anywhere."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    if not isinstance(message, dict):
        return {}
    return {name: value for name, value in message.items() if isinstance(value, _KINDS.get(name, ()))}


class Generation:
    """The workers that run the same code: those of one start or reload.

    Args:
        number: 1 for the first.

    Attributes:
        preloader: The process that forks the workers, with ``--preload``.
        workers: The workers that live.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.preloader: Child | None = None
        self.workers: list[Child] = []


class Child:
    """A worker or a preloader, and what is known of it.

    Args:
        channel: This side's end of its channel.
        pid: Its process number; ``None`` until a forked one has told it.
        generation: What it belongs to.
        failures: How many before it in a row died too soon.
    """

    def __init__(self, channel: socket.socket, pid: int | None, generation: Generation, failures: int) -> None:
        channel.setblocking(False)
        self.channel = channel
        self.pid = pid
        self.is_forked = pid is None
        self.generation = generation
        self.failures = failures
        self.started_at = self.heard_at = time.monotonic()
        self.is_heard = False  # before that, it is Python that starts, which may take its time
        self.ready_at: float | None = None
        self.graceful_seconds: float | None = None
        self.aborted_at: float | None = None
        self.leave_by: float | None = None
        self.closed_at: float | None = None
        self.status: int | None = None
        self.failure: dict[str, Any] | None = None
        self._buffer = b""

    @property
    def name(self) -> str:
        """How log lines call it."""
        what = "Preloading process" if self.generation.preloader is self else "Worker"
        return f"{what} {self.pid or '(just forked)'}"

    def receive(self, now: float) -> list[dict[str, Any]]:
        """Return the messages that have come; takes note of signs of life and of the channel's end."""
        while self.closed_at is None:
            try:
                data = self.channel.recv(65536)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.closed_at = now
            self.heard_at = now
            self.is_heard = True
            self._buffer = (self._buffer + data)[-MOST_BUFFERED:]
        *lines, self._buffer = self._buffer.split(b"\n")
        return [_read_message(line) for line in lines if line]

    def tell(self, word: bytes, channel: socket.socket | None = None) -> None:
        """Send a command; a child that is gone or stuck shows otherwise."""
        with suppress(OSError):
            if channel is None:
                self.channel.send(word)
            else:
                socket.send_fds(self.channel, [word], [channel.fileno()])

    def kill(self, number: int) -> None:
        """Send a signal."""
        if self.pid is not None and self.status is None:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)

    def describe_end(self) -> str:
        """Say how it has ended."""
        if self.status is None:
            return "ended"
        if os.WIFSIGNALED(self.status):
            number = os.WTERMSIG(self.status)
            hint = ", perhaps because memory ran out" if number == signal.SIGKILL and self.aborted_at is None else ""
            return f"was ended by {signal.Signals(number).name}{hint}"
        return f"ended with status {os.waitstatus_to_exitcode(self.status)}"


class Supervisor:
    """Runs the workers until it is told to stop.

    Args:
        settings: What ``hipflask.server.launch`` has written; see there.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self._selector = selectors.DefaultSelector()
        self._sockets = [(each["fd"], each["unlink"]) for each in settings["sockets"]]
        self._children: list[Child] = []
        self._forked: list[dict[str, int]] = list(settings["forked"])
        self._due: list[tuple[float, int]] = []
        self._current = Generation(1)
        self._next: Generation | None = None
        self._reload_again = False
        self._has_served = False
        self._is_stopping = False
        self._exit_status = 0
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._has_terminal = os.isatty(0)

    def run(self) -> int:
        """Serve until a signal or a failing start ends it; return the exit status."""
        if not self._write_pid_file():
            return 1
        self._watch_signals()
        try:
            self._fill(self._current)
            while self._children or not self._is_stopping:
                self._run_once()
        finally:
            self._close_sockets()
            self._remove_pid_file()
        return self._exit_status

    def _watch_signals(self) -> None:
        """Have signals wake the loop; the workers, started from here, get the default actions back."""
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)

    def _run_once(self) -> None:
        """Wait for something to happen, and deal with it."""
        is_busy = (
            self._is_stopping
            or self._due
            or any(
                child.ready_at is None or child.aborted_at or child.leave_by or child.closed_at
                for child in self._children
            )
        )
        pause = _TICK_SECONDS if is_busy else _IDLE_TICK_SECONDS
        began = time.monotonic()
        events = self._selector.select(pause)
        now = time.monotonic()
        if now - began > pause + STILL_SECONDS:
            for child in self._children:
                child.heard_at = now
        for key, _ in events:
            if key.data is None:
                self._take_signals()
            elif key.data in self._children:
                self._hear(key.data, now)
        self._reap(now)
        self._look_at_the_time(now)

    # --- signals

    def _take_signals(self) -> None:
        numbers = b""
        with suppress(OSError):
            numbers = self._wake_reader.recv(4096)
        for number in numbers:
            if number in {signal.SIGTERM, signal.SIGINT}:
                self._stop_by_signal(signal.Signals(number).name)
            elif number == signal.SIGHUP:
                # The kernel sends it too when the terminal that all this runs in was closed.
                if self._has_terminal and not os.isatty(0):
                    self._stop_by_signal("SIGHUP")
                else:
                    self._reload()

    def _stop_by_signal(self, name: str) -> None:
        if not self._is_stopping:
            if not self._has_terminal:
                say(f"{name}: takes no new requests, and ends when those accepted are answered.")
            self._stop(0)
            return
        say(f"{name} again: ends at once.")
        self._exit_status = 1
        for child in self._children:
            child.kill(signal.SIGKILL)

    def _stop(self, status: int) -> None:
        """Have every child end, and then this process."""
        self._is_stopping = True
        self._exit_status = status
        self._due.clear()
        self._close_sockets()
        for child in list(self._children):
            self._dismiss(child)

    def _dismiss(self, child: Child) -> None:
        """Have a child answer what it has accepted, and end."""
        if child.leave_by is None:
            child.tell(b"D")
            graceful = child.graceful_seconds or self.settings["graceful_timeout"]
            child.leave_by = time.monotonic() + graceful + EXTRA_SECONDS

    # --- starting

    def _fill(self, generation: Generation) -> None:
        """Start a generation's preloader and workers."""
        if self.settings["preload"] and generation.preloader is None:
            generation.preloader = self._spawn(generation, 0, is_preloader=True)
            return  # the workers follow when it is ready
        for _ in range(self.settings["workers"]):
            if not self._is_stopping and generation in {self._current, self._next}:
                self._add_worker(generation, 0)

    def _add_worker(self, generation: Generation, failures: int) -> None:
        preloader = generation.preloader
        child = self._spawn(generation, failures) if preloader is None else self._fork(generation, preloader, failures)
        if child is not None:
            generation.workers.append(child)

    def _spawn(self, generation: Generation, failures: int, *, is_preloader: bool = False) -> Child | None:
        """Start a process of its own, or take over one of those that were forked before this program began."""
        if self._forked:
            first = self._forked.pop(0)
            channel = socket.socket(fileno=first["channel"])
            channel.set_inheritable(False)
            return self._adopt(Child(channel, first["pid"], generation, failures))
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.set_inheritable(True)
            told = {**self.settings["worker"], "channel": theirs.fileno(), "is_preloader": is_preloader}
            command = [*self.settings["command"], json.dumps(told)]
            try:
                # Ctrl+C goes to every process of the terminal: blocked, until the worker is ready to ignore it.
                pid = os.posix_spawn(command[0], command, os.environ, setsigmask=[signal.SIGINT])
            except OSError as error:
                ours.close()
                self._fail_to_spawn(generation, failures, f"No process could be started: {error.strerror or error}.")
                return None
        return self._adopt(Child(ours, pid, generation, failures))

    def _fail_to_spawn(self, generation: Generation, failures: int, why: str) -> None:
        """Deal with a system that has no process to give."""
        if generation is self._next:
            self._abandon_reload(generation, why)
        elif self._has_served:
            say(f"{why} Tries again.")
            self._replace_later(failures)
        else:
            _write(f"Error: {why}\n")
            self._stop(1)

    def _fork(self, generation: Generation, preloader: Child, failures: int) -> Child:
        """Have the preloader fork a worker, which says its number itself."""
        ours, theirs = socket.socketpair()
        with theirs:
            preloader.tell(b"F", theirs)
        return self._adopt(Child(ours, None, generation, failures))

    def _adopt(self, child: Child) -> Child:
        self._children.append(child)
        self._selector.register(child.channel, selectors.EVENT_READ, child)
        return child

    def _replace_later(self, failures: int) -> None:
        delay = 0.0 if failures == 0 else min(FIRST_DELAY_SECONDS * 2 ** (failures - 1), MOST_DELAY_SECONDS)
        self._due.append((time.monotonic() + delay, failures + 1))

    # --- what children say and how they end

    def _hear(self, child: Child, now: float) -> None:
        for message in child.receive(now):
            if "pid" in message and child.pid is None:
                child.pid = message["pid"]
            elif "failed" in message:
                child.failure = message
            elif "ready" in message:
                child.ready_at = now
                child.graceful_seconds = message.get("graceful_timeout")
                self._take_ready(child, list(map(str, message["ready"])))
        if child.closed_at is not None and child in self._children:
            self._unregister(child)
            if child.is_forked:  # not our child: the end of its channel is all that tells of its end
                self._take_end(child, now)

    def _unregister(self, child: Child) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(child.channel)

    def _take_ready(self, child: Child, notices: list[str]) -> None:
        if child is child.generation.preloader:
            if child.leave_by is None:
                self._fill(child.generation)
            return
        if not self._has_served:
            self._has_served = True
            for line in (*self.settings["lines"], *notices):
                _write(f"{line}\n")
        generation = self._next
        if generation is child.generation and generation is not None:
            ready = [each for each in generation.workers if each.ready_at is not None]
            if len(ready) == self.settings["workers"]:
                self._finish_reload(generation)

    def _reap(self, now: float) -> None:
        """Take note of ended processes, those that were left to process 1 included."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            for child in [each for each in self._children if each.pid == pid]:
                self._hear(child, now)
                child.status = status
                if child in self._children:
                    self._take_end(child, now)

    def _take_end(self, child: Child, now: float) -> None:
        """Deal with the end of a child: expected, at the start, in a reload, or out of the blue."""
        self._children.remove(child)
        self._unregister(child)
        child.channel.close()
        generation = child.generation
        if child is not generation.preloader:
            generation.workers.remove(child)
        is_old = generation is not self._current and generation is not self._next
        if self._is_stopping or is_old or child.leave_by is not None:
            self._release_preloader(generation)
        elif generation is self._next:
            why = f"{child.name} {child.describe_end()} before it was ready."
            self._abandon_reload(generation, child.failure["failed"] if child.failure else why)
        elif not self._has_served:
            self._fail_to_start(child)
        else:
            self._mourn(child, now)
        if child is generation.preloader:
            generation.preloader = None

    def _mourn(self, child: Child, now: float) -> None:
        """Log an end that nobody asked for, and have the child replaced."""
        why = f" while it started: {child.failure['failed']}" if child.failure else ""
        is_steady = child.ready_at is not None and now - child.ready_at >= STEADY_SECONDS
        failures = 0 if is_steady else child.failures
        if child is child.generation.preloader:
            say(f"{child.name} {child.describe_end()}{why}; the application is imported again.")
            self._reload()
            return
        self._replace_later(failures)
        pause = self._due[-1][0] - now
        when = "at once" if pause <= 0.05 else f"in {pause:.1f} s"
        say(f"{child.name} {child.describe_end()}{why}; another one starts {when}.")

    def _fail_to_start(self, child: Child) -> None:
        """End the whole server: its very first start has failed."""
        failure = child.failure or {}
        text = f"{child.name} {child.describe_end()} before it was ready; what it wrote above may say why."
        _write(f"Error: {_printable(str(failure.get('failed', text)))}\n")
        self._stop(int(failure.get("status", 1)))

    def _release_preloader(self, generation: Generation) -> None:
        """End a preloader whose workers have all ended."""
        if generation.preloader is not None and not generation.workers:
            self._dismiss(generation.preloader)

    # --- reloading

    def _reload(self) -> None:
        """Start new workers; the present ones go on until all of the new are ready."""
        if self._is_stopping or not self._has_served:
            return
        if self._next is not None:
            self._reload_again = True
            return
        self._reload_again = False
        say("Reloads: starts new workers.")
        self._next = Generation(self._current.number + 1)
        self._fill(self._next)

    def _finish_reload(self, generation: Generation) -> None:
        old, self._current, self._next = self._current, generation, None
        say(f"Reloaded: {len(generation.workers)} new, {len(old.workers)} old that end when they have answered.")
        self._due.clear()  # dead workers of before need no replacement any more
        for child in list(old.workers):
            self._dismiss(child)
        self._release_preloader(old)
        if self._reload_again:
            self._reload()

    def _abandon_reload(self, generation: Generation, why: str) -> None:
        self._next = None
        say(f"Not reloaded: {why} The workers of before go on. Mend it, then send SIGHUP again.")
        for each in [*generation.workers, *([generation.preloader] if generation.preloader else [])]:
            self._dismiss(each)
        if self.settings["preload"] and self._current.preloader is None:
            self._due.append((time.monotonic() + MOST_DELAY_SECONDS, 1))  # nothing else can fork
        if self._reload_again:
            self._reload()

    # --- time

    def _look_at_the_time(self, now: float) -> None:
        for child in list(self._children):
            self._check(child, now)
        due = [each for each in self._due if each[0] <= now]
        self._due = [each for each in self._due if each[0] > now]
        for _, failures in due:
            if self.settings["preload"] and self._current.preloader is None:
                self._reload()  # which starts all workers anew
            else:
                self._add_worker(self._current, failures)

    def _check(self, child: Child, now: float) -> None:
        """End a child that is stuck, or too late."""
        if child.aborted_at is not None:
            if now - child.aborted_at > ABORT_SECONDS:
                child.kill(signal.SIGKILL)
            return
        if child.closed_at is not None:
            if now - child.closed_at > ABORT_SECONDS:  # it lives, but has closed its channel
                child.kill(signal.SIGKILL)
            return
        if child.leave_by is not None:
            if now > child.leave_by:
                say(f"{child.name} did not end within the graceful time; it is cut.")
                child.aborted_at = now - ABORT_SECONDS
                child.kill(signal.SIGKILL)
            return
        late = now - child.heard_at
        if late > self.settings["hang_timeout"] and child.is_heard and child.generation.preloader is not child:
            say(f"{child.name} gave no sign of life for {late:.0f} s; it is replaced. Where it is stuck:")
            child.aborted_at = now
            child.kill(signal.SIGABRT)  # has the worker print the place of each thread (faulthandler)
        elif child.ready_at is None and now - child.started_at > self.settings["start_timeout"]:
            limit = f"{self.settings['start_timeout']:g} s"
            text = f"{child.name} was not ready within {limit}. If that is its way, give it more by --start-timeout."
            child.failure = child.failure or {"failed": text, "status": 1}
            child.aborted_at = now
            child.kill(signal.SIGABRT)

    # --- files

    def _close_sockets(self) -> None:
        for fd, path in self._sockets:
            with suppress(OSError):
                os.close(fd)
            if path is not None:
                with suppress(OSError):
                    os.unlink(path)
        self._sockets.clear()

    def _write_pid_file(self) -> bool:
        path = self.settings["pid_file"]
        if path is None:
            return True
        other = _read_pid(path)
        if other is not None and other != os.getpid() and _is_alive(other):
            _write(f"Error: {path} names process {other}, which runs. Stop it, or choose another --pid-file.\n")
            return False
        try:
            with open(path, "w", encoding="ascii") as file:
                file.write(f"{os.getpid()}\n")
        except OSError as error:
            _write(f"Error: The process number cannot be written to {path}: {error.strerror}.\n")
            return False
        return True

    def _remove_pid_file(self) -> None:
        path = self.settings["pid_file"]
        if path is not None and _read_pid(path) == os.getpid():
            with suppress(OSError):
                os.unlink(path)


def _read_pid(path: str) -> int | None:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read(32))
    except (OSError, ValueError):
        return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def main() -> None:
    """Run the supervisor with the settings that are the program's argument, as JSON."""
    sys.exit(Supervisor(json.loads(sys.argv[1])).run())
