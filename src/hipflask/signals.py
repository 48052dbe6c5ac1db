"""The signals that an application sends while it works; connect a function to be told.

Each is a :class:`blinker.NamedSignal`. Receivers get the application as the first argument and the rest as
keywords, so a receiver should accept ``**extra``.

Example::

    @request_finished.connect_via(app)
    def note(sender, response, **extra):
        ...

Source: the signals of Flask 3.1.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from blinker import NamedSignal

__all__ = [
    "appcontext_popped",
    "appcontext_pushed",
    "appcontext_tearing_down",
    "before_render_template",
    "got_request_exception",
    "message_flashed",
    "request_finished",
    "request_started",
    "request_tearing_down",
    "template_rendered",
]


def __getattr__(name: str) -> Any:
    """Import ``Namespace``, which extensions make signals of their own with, when it is asked for."""
    if name == "Namespace":
        from blinker import Namespace

        return Namespace
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_turning = Lock()

#: Whether any signal was ever used. PERF: one look at it stands for one at each signal in each request.
in_use = False


class _FutureSignal:
    """Stands in for a signal that nobody has used, and turns into a NamedSignal at the first use.

    Importing blinker takes 9 ms, mostly for the standard library's ``inspect``; an application without
    receivers only ever asks for ``receivers``. The object stays the same one, also where it was imported.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.receivers: dict[Any, Any] = {}

    def __getattr__(self, attribute: str) -> Any:
        _turn_into_signal(self)
        return getattr(self, attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        if attribute not in {"name", "receivers"}:
            _turn_into_signal(self)
        object.__setattr__(self, attribute, value)

    def __repr__(self) -> str:
        _turn_into_signal(self)
        return repr(self)

    @property  # type: ignore[misc]  # read by isinstance(signal, blinker.Signal)
    def __class__(self) -> type:
        from blinker import NamedSignal

        return NamedSignal


def _turn_into_signal(signal: _FutureSignal) -> None:
    """Make the object a NamedSignal in place."""
    from blinker import NamedSignal

    global in_use  # noqa: PLW0603  # of this module, for all signals
    with _turning:
        in_use = True
        if type(signal) is _FutureSignal:
            # The dict of receivers stays the same one: who keeps it need not look here again.
            vars(signal).update({**vars(NamedSignal(signal.name)), "receivers": signal.receivers})
            _set_class(signal, NamedSignal)


_set_class = object.__dict__["__class__"].__set__  # _FutureSignal has its own, read-only __class__


def _signal(name: str) -> NamedSignal:
    return cast("NamedSignal", _FutureSignal(name))


# One call for each, so that editors and type checkers know the names.
template_rendered = _signal("template-rendered")
before_render_template = _signal("before-render-template")
request_started = _signal("request-started")
request_finished = _signal("request-finished")
request_tearing_down = _signal("request-tearing-down")
got_request_exception = _signal("got-request-exception")
appcontext_tearing_down = _signal("appcontext-tearing-down")
appcontext_pushed = _signal("appcontext-pushed")
appcontext_popped = _signal("appcontext-popped")
message_flashed = _signal("message-flashed")

# Those that a request sends even if nothing fails.
_of_every_request = (
    request_started,
    request_finished,
    request_tearing_down,
    appcontext_pushed,
    appcontext_popped,
    appcontext_tearing_down,
)
