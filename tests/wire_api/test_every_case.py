"""Every call of the wire table's areas is a test of this folder, or says why not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.wire_api.waiting import WAITING

AREAS = {"CK", "SE", "MP", "JS", "RD", "RH", "ST", "HO", "TN", "LG", "TP"}


def test_every_case_is_here_or_waits(project_root: Path) -> None:
    cases = project_root.parent / "shared/wire/cases.jsonl"
    if not cases.exists():
        pytest.skip("the table of wire cases is not beside the project")
    records = [json.loads(line) for line in cases.read_text(encoding="utf-8").splitlines() if line]
    wanted = {each["id"] for each in records if each["kind"] == "api" and each["id"][:2] in AREAS}
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    tested = {
        f"{area.upper()}-{number}" for area, number in re.findall(r"\b(?:test_)?([a-zA-Z]{2})[-_]([0-9]{3})", tests)
    }
    assert wanted - tested == set(WAITING) & wanted
    assert set(WAITING) <= wanted
