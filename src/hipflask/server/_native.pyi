"""The native module's interface; ``tests/guards/test_native_stub.py`` compares it with the built module.

``hipflask.server.native`` is the way to use it.
"""

from collections.abc import Buffer, Iterator  # type: ignore[attr-defined]  # Buffer is of Python 3.12
from typing import Any, TextIO, final

from hipflask.server.native import NativeSettings

__all__ = ["Body", "Head", "Preset", "Server", "Snapshot", "__version__"]

__version__: str
"""The version of the project that the module was built from, as in ``pyproject.toml``."""

@final
class Body:
    """A request's body as a stream: ``wsgi.input``. Every method may wait for the client.

    Raises:
        HTTPException: The body is not whole; the exception says why.
    """

    def read(self, size: int | None = -1, /) -> bytes: ...
    def read1(self, size: int | None = -1, /) -> bytes: ...
    def readline(self, size: int | None = -1, /) -> bytes: ...
    def readlines(self, hint: int | None = -1, /) -> list[bytes]: ...
    def readinto(self, buffer: Buffer) -> int: ...
    def readable(self) -> bool: ...
    def __iter__(self) -> Iterator[bytes]: ...
    def __next__(self) -> bytes: ...

@final
class Head:
    """A request, as `hipflask.http.head.Head` says, and the way back of its answer."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def path_info(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def headers(self) -> list[tuple[str, str]]: ...
    @property
    def http_version(self) -> str: ...
    @property
    def scheme(self) -> str: ...
    @property
    def client(self) -> tuple[str, int]: ...
    @property
    def server(self) -> tuple[str, int | None]: ...
    @property
    def root_path(self) -> str: ...
    @property
    def query_string(self) -> bytes: ...
    @property
    def body(self) -> Any: ...
    @property
    def errors(self) -> TextIO: ...
    @property
    def extensions(self) -> dict[str, Any]: ...
    @property
    def may_have_body(self) -> bool:
        """Whether bytes of a body may follow."""

    @property
    def content_length(self) -> int:
        """Length of the body as announced, 0 if it is not."""

    @property
    def is_told_by_send(self) -> bool:
        """True: who sends learns that the client has gone."""

    @property
    def is_unanswered(self) -> bool:
        """Whether nothing of the answer has been sent."""

    @property
    def is_cut(self) -> bool:
        """Whether an answer would reach nobody."""

    def get_header(self, name: str) -> str | None: ...
    def is_disconnected(self) -> bool: ...
    def set_match(self, found: tuple[Any, Any]) -> None:
        """Keep what was found for the request: the application, and the rule with its arguments."""

    def take_match(self) -> tuple[Any, Any] | None:
        """Return that, once."""

    def approve_host(self) -> None:
        """Remember the request's host as one that may be answered."""

    def to_environ(self) -> dict[str, Any]: ...
    def replace_body(self, stream: Any) -> Body:
        """Have *stream* be the body for everybody else, and return the one that it was."""

    def watch(self, key: int) -> bool:
        """Have the client's going told under a key, 0 for no more; false if it has gone."""

    def receive(self, key: int) -> bytes | None:
        """Return what has come of the body, ``b""`` at its end; ``None``, and the key told later, if nothing has."""

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> None:
        """Take status line and fields; they are checked, and sent with the body.

        Raises:
            ValueError: They cannot be sent.
        """

    @property
    def has_body(self) -> bool:
        """Whether the answer that was started has a body on the wire."""

    @property
    def bytes_left(self) -> int | None:
        """How many bytes of the body are still to come, if it is known."""

    def answer(self, body: bytes) -> None:
        """Send the answer that was started, whole."""

    def answer_text(self, preset: Preset, text: str, is_soon: bool) -> None:
        """Send a text, whole, under status and fields that were checked before; *is_soon*: as `answer_soon`.

        Raises:
            UnicodeEncodeError: It has surrogates.
        """

    def answer_soon(self, body: bytes) -> None:
        """Do the same, at the latest when `Server.flush` is called."""

    def begin(self, key: int) -> None:
        """Begin the answer that was started; the key is told whenever what was given has left."""

    def send(self, data: bytes) -> None:
        """Send a piece of the body."""

    def send_file(self, descriptor: int, offset: int, size: int) -> None:
        """Send a part of a file as a piece of the body."""

    def answer_file(self, descriptor: int, offset: int, size: int) -> None:
        """Send the answer that was started, with a part of a file as its whole body; the file may be closed then."""

    def end(self) -> None:
        """The answer is complete."""

    def abort(self) -> None:
        """Break the answer off."""

    def refuse(self) -> None:
        """Answer 503."""

@final
class Preset:
    """Status and fields of an answer, checked once, for many answers that differ in their bodies only.

    Raises:
        ValueError: They cannot be sent.
    """

    def __new__(cls, status: str, headers: list[tuple[str, str]]) -> Preset: ...

@final
class Snapshot:
    """Things as they are now, and whether they still are so.

    Args:
        classes: Neither they nor their bases are to be changed.
        empties: Dicts and lists that are to be empty.
        entries: Dicts, keys, and the objects that are to be there.
        makes: Three classes that `make` makes objects of.
    """

    def __new__(
        cls,
        classes: list[type],
        empties: list[Any],
        entries: list[tuple[Any, str, Any]],
        makes: list[type],
    ) -> Snapshot: ...
    def open(self) -> None:
        """Say that a request in which nobody but its view has a say can be told by this alone."""

    def holds(self) -> bool:
        """Whether `open` was called and everything is as it was."""

    def is_stale(self) -> bool:
        """Whether a class has changed, or another object is in an entry."""

    def outline(self, head: Head) -> tuple[str, str, bool, bool] | None:
        """Return method, path, whether the host is the one approved last, and whether there are cookies.

        Returns:
            ``None`` if something is not as it was, or the request is of a kind that more is to be asked about.
        """

    def answer(self, preset: Preset, head: Head, text: str, is_soon: bool) -> bool:
        """Send a text; false, with nothing done, if something is not as it was or the text has surrogates."""

    def make(self) -> tuple[Any, Any, Any]:
        """Return a new object of each class, without a call of its ``__init__``."""

@final
class Server:
    """The thread that does all input and output.

    A *key* is a number of which the upper half says whom it concerns: a worker, or 0xffffffff for the event loop.

    Args:
        settings: Limits, time-outs and numbers.
        descriptors: Listening sockets.
        is_sorted: New requests go to the event loop, else to the workers.
    """

    def __new__(cls, settings: NativeSettings, descriptors: list[int], is_sorted: bool) -> Server: ...
    def start(self) -> None: ...
    def stop(self, graceful_seconds: float) -> None: ...
    def add_worker(self) -> int:
        """Make the calling thread a worker and return its number."""

    def remove_worker(self, worker: int) -> None: ...
    def take(self, worker: int, may_end: bool) -> Head | int | None:
        """Wait for a request, or a key to go on with; ``None`` if the worker is to end."""

    def wait_for(self, worker: int, key: int) -> None:
        """Wait until this key is told."""

    def close_queue(self) -> None:
        """Have the workers end."""

    def post(self, key: int) -> None:
        """Tell a key."""

    def loop_descriptor(self) -> int:
        """Return the descriptor that can be read when there is something for the event loop."""

    def flush(self, is_done: bool = True) -> None:
        """Send what was given to `Head.answer_soon`.

        Args:
            is_done: All that was taken by `take_sorted` was begun; until then, the I/O thread looks by itself.
        """

    def take_sorted(self) -> tuple[list[Head], list[int]]:
        """Return what there is for the event loop: new requests, and keys."""

    def file(self, heads: list[Head]) -> list[Head]:
        """Have workers serve the requests; returns those for which too many wait."""

    def keeper_descriptor(self) -> int:
        """Return the descriptor that can be read when there is something for the server's own thread."""

    def take_tasks(self) -> tuple[bool, bool, str | None]:
        """Return whether another worker is needed, whether the server has ended, and by which error."""

    def take_report(self) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], int, int]:
        """Return answers, refusals, and how many refusals and answers were left out."""
