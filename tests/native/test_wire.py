"""The raw requests of the wire table, pipelined with others through the native server; whole: tests/wire."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.wire.table import hold_against_table

pytest.importorskip("hipflask.server._native", reason="the native server was not built")

#: More of them take minutes: ``make wire MODES="bytewise split"``.
MODES = os.environ.get("WIRE_MODES", "pipelined").split()


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_nothing_fails_but_what_is_listed(
    project_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    server = [str(Path(__file__).with_name("start.py")), "probe_app:app", "{port}"]
    told = hold_against_table(project_root, tmp_path, server, mode)
    with capsys.disabled():
        print(f"\nwire table, native server, {told}")
