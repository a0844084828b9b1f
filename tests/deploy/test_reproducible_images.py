"""Images that are built again from nothing have the same layers.

The machine need not be quiet for it, so these builds run next to other slow tests.
"""

from __future__ import annotations

import pytest

from tests.deploy.images import Repository

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("command", [("image", "card_default"), ("watch-image",)], ids=lambda command: command[0])
def test_two_builds_from_nothing_have_the_same_layers(source: Repository, command: tuple[str, ...]) -> None:
    first = source.scorebox(*command)
    said = source.scorebox(*command, "--twice")
    assert "both builds have the same layers" in said.stderr
    assert said.stdout.strip() == first.stdout.strip()
