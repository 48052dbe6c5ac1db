"""The raw requests of the wire table, sent to the pure server and to `hipflask run`: see table.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wire.table import hold_against_table

PURE = (
    "import sys; from probe_app import app; from hipflask.server.runner import make_server; "
    "make_server('127.0.0.1', int(sys.argv[1]), app, threaded=True).serve_forever()"
)
RUN = ["-m", "hipflask", "--app", "probe_app", "run", "--port", "{port}"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "server"),
    [pytest.param("pure server", ["-c", PURE, "{port}"], id="pure"), pytest.param("hipflask run", RUN, id="run")],
)
def test_nothing_fails_but_what_is_listed(
    project_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, server: list[str]
) -> None:
    told = hold_against_table(project_root, tmp_path, server, "whole")
    with capsys.disabled():
        print(f"\nwire table, {name}, {told}")
