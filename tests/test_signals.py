"""Signals: they are blinker's, and cost nothing until somebody uses one."""

import os
import subprocess
import sys

import blinker
import pytest

from hipflask import signals

NAMES = {
    "template_rendered": "template-rendered",
    "before_render_template": "before-render-template",
    "request_started": "request-started",
    "request_finished": "request-finished",
    "request_tearing_down": "request-tearing-down",
    "got_request_exception": "got-request-exception",
    "appcontext_tearing_down": "appcontext-tearing-down",
    "appcontext_pushed": "appcontext-pushed",
    "appcontext_popped": "appcontext-popped",
    "message_flashed": "message-flashed",
}


def test_every_signal_of_flask_is_there():
    assert sorted(signals.__all__) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_signal_has_flasks_name(name):
    assert getattr(signals, name).name == NAMES[name]


def run(code):
    """Run code in a fresh process, where no signal has been used."""
    # Coverage, which follows child processes, would import more.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COV_"))}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=30)


def test_unused_signal_does_not_import_blinker():
    run(
        "import sys\n"
        "from hipflask.signals import request_started\n"
        "assert not request_started.receivers\n"
        "assert request_started.name == 'request-started'\n"
        "assert 'blinker' not in sys.modules and 'inspect' not in sys.modules\n"
    )


@pytest.mark.parametrize(
    "use",
    [
        pytest.param("signal.connect(receiver)", id="connect"),
        pytest.param("signal.send('sender')", id="send"),
        pytest.param("repr(signal)", id="repr"),
        pytest.param("signal.is_muted = False", id="set attribute"),
        pytest.param("signal.has_receivers_for('sender')", id="method"),
    ],
)
def test_used_signal_is_a_named_signal(use):
    run(
        "from hipflask.signals import request_started as signal\n"
        "def receiver(sender): pass\n"
        f"{use}\n"
        "import blinker\n"
        "assert type(signal) is blinker.NamedSignal\n"
        "assert signal.name == 'request-started'\n"
        "assert len(signal.receivers) == ('connect' in " + repr(use) + ")\n"
    )


def test_unused_signal_is_an_instance_of_blinkers_class():
    run(
        "from hipflask.signals import request_started as signal\n"
        "import blinker\n"
        "assert isinstance(signal, blinker.NamedSignal) and isinstance(signal, blinker.Signal)\n"
    )


def test_signal_is_sent_to_receivers_while_they_are_connected():
    seen = []

    def receiver(sender, **extra):
        seen.append((sender, extra))

    with signals.message_flashed.connected_to(receiver, "sender"):
        assert signals.message_flashed.receivers
        signals.message_flashed.send("sender", message="m")
        signals.message_flashed.send("other", message="n")
    signals.message_flashed.send("sender", message="o")
    assert seen == [("sender", {"message": "m"})]
    assert not signals.message_flashed.receivers


def test_signal_that_another_thread_has_turned_stays_as_it_is():
    signal = signals._signal("some-name")
    signals._turn_into_signal(signal)
    signal.connect(print)
    signals._turn_into_signal(signal)
    assert type(signal) is blinker.NamedSignal
    assert signal.receivers


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda signal: signal.is_muted, id="attribute"),
        pytest.param(repr, id="repr"),
        pytest.param(lambda signal: setattr(signal, "is_muted", True), id="set attribute"),
    ],
)
def test_any_use_turns_the_same_object_into_a_named_signal(use):
    signal = signals._signal("some-name")
    assert isinstance(signal, blinker.NamedSignal)
    assert type(signal) is not blinker.NamedSignal
    use(signal)
    assert type(signal) is blinker.NamedSignal
    assert signal.name == "some-name"


def test_signal_sends_to_async_receivers_through_the_wrapper():
    seen = []

    async def receiver(sender):
        seen.append(sender)

    def wrapper(function):
        def call(*args, **kwargs):
            with pytest.raises(StopIteration):
                function(*args, **kwargs).send(None)

        return call

    with signals.request_finished.connected_to(receiver):
        signals.request_finished.send("sender", _async_wrapper=wrapper)
    assert seen == ["sender"]
