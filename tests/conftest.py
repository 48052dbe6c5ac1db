"""What every test shares: a clean environment and Hypothesis profiles."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: the machine's load is no property of the code. In CI the examples are the same in each run.
settings.register_profile("developer", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "developer")

# Settings of the developer's own shell (FLASK_DEBUG=1, say) would change what the tests see.
for _name in [name for name in os.environ if name.startswith(("FLASK_", "HIPFLASK_", "WERKZEUG_"))]:
    del os.environ[_name]

# A shell without job control has what it starts by "&" ignore Ctrl+C; tests send it, to children too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder that holds ``pyproject.toml``."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def without_coverage() -> dict[str, str]:
    """An environment for a child process that looks at what is imported: coverage would import more."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "COV_"))}
