"""docs/explanation/security.md lists vulnerabilities and their fixes; what is pinned is not below them."""

from __future__ import annotations

import re

from packaging.version import Version

from tests.conftest import PROJECT

PAGE = (PROJECT / "docs" / "explanation" / "security.md").read_text()
ROW = re.compile(r"^\| ([^|]+) \| ([\w-]+) \| ([\w.]+) \| ([\d.]+) \| .+ \|$", re.MULTILINE)
PINS = dict(re.findall(r"^([\w.-]+)==(\S+)$", (PROJECT / "constraints.txt").read_text(), re.MULTILINE))
OPEN = {"CVE-2025-32375", "CVE-2025-54381", "CVE-2024-9056", "1.4.40, no id found"}
"""Those that are not fixed in what is pinned; what is done instead stands next to each."""


def below_the_fix(page: str, pins: dict[str, str]) -> set[str]:
    """The rows whose package is not pinned to a version with the fix, or not to the one that the row says."""
    rows = ROW.findall(page)
    assert len(rows) > 10
    return {
        name
        for name, package, fixed, pinned in rows
        if fixed == "none" or Version(pins[package]) < Version(fixed) or pins[package] != pinned
    }


def test_what_is_pinned_has_every_fix_but_those_that_the_page_explains() -> None:
    assert below_the_fix(PAGE, PINS) == OPEN


def test_a_pin_below_a_fix_is_found() -> None:
    assert "CVE-2025-62727" in below_the_fix(PAGE, PINS | {"starlette": "0.48.0"})
