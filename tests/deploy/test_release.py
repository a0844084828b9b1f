"""Releases on real containers, two pods behind nginx under load: a good one is not noticed, a bad one takes nothing."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from loadtests.chaos.callers import Callers, Memory, Traffic
from loadtests.chaos.ledger import audit
from loadtests.server import free_port
from loadtests.traffic import sample_applications
from scoring.journal.reader import JournalReader
from tests.deploy.engine import Container, docker
from tests.deploy.images import Repository
from tests.deploy.manifests import KUBERNETES, Cluster, render
from tests.deploy.rolling import NGINX, Door, NotReadyError, Pods, PodTemplate, built, nginx_image
from tests.serving.toy import SCORECARD

pytestmark = [pytest.mark.slow, pytest.mark.alone]

logger = logging.getLogger(__name__)

REQUESTS = 50_000
CALLERS = 16
LIMITLESS = 900.0
"""Seconds after which a load that has not sent its requests has failed."""


@dataclass(frozen=True)
class Images:
    """Tags of images.

    Attributes:
        first, second: of two models.
        changed: the second, a byte of its graphs another one.
        crashing: the second with a setting that ends its start.
    """

    first: str
    second: str
    changed: str
    crashing: str


@pytest.fixture(scope="module")
def images(source: Repository) -> Iterator[Images]:
    tags = []
    for version in ("7.0.0", "8.0.0"):
        source.release(version, shift=float(version[0]) / 10)
        tags.append(source.image())
    nginx_image()
    first, second = tags
    damage = "for file in $(find /app/bento/models -name model.onnx); do printf x >>$file; done"
    found = Images(
        first,
        second,
        changed=built(f"{second}-changed", f"FROM {second}\nUSER 0\nRUN {damage}\nUSER 1034:1034\n"),
        crashing=built(f"{second}-crashing", f"FROM {second}\nENV SCOREBOX_MAX_WAIT=never\n"),
    )
    yield found
    docker("image", "rm", "--force", *vars(found).values(), NGINX)


class Platform:
    """Two pods as production's manifest runs them, nginx before them, and callers."""

    def __init__(self, folder: Path) -> None:
        self.journals = [folder / "journal-0", folder / "journal-1"]
        for journal in self.journals:
            journal.mkdir()
            os.chown(journal, 1034, 1034)
        (folder / "nginx").mkdir()
        self.door = Door(free_port(), folder / "nginx")
        prod = Cluster(render(KUBERNETES / "overlays" / "prod"))
        self.pods = Pods(PodTemplate.of(prod, "card-default-server"), self.journals, self.door)
        self.callers = Callers(self.door.port, Traffic(sample_applications(SCORECARD, 500)), CALLERS)

    def nothing_failed(self, memory: Memory) -> bool:
        """Whether every request was answered with its decision."""
        failed = (memory.wrong, memory.unanswered, memory.refused, memory.refused_connections)
        logger.info("%d decisions, failed, in four ways: %s", memory.rows, failed)
        return not any(failed)

    def restarts(self, pod: Container) -> int:
        """How often it was started again."""
        return int(docker("inspect", "--format", "{{.RestartCount}}", pod.name))

    def last_sequence(self, ordinal: int) -> int:
        """The newest decision in a pod's journal."""
        return JournalReader(self._folders()[ordinal]).last_sequence()

    def models(self) -> set[str]:
        """The models that decided, by the journals."""
        return {record.basis.model for folder in self._folders() for record in JournalReader(folder).decisions()}

    def keeps(self, memory: Memory) -> bool:
        """Whether the journals hold every decision that a caller has, once, with its PD, in whole chains."""
        kept: dict[str, float] = {}
        for folder in self._folders():
            assert audit(folder, [], replay=False).holds
            records = [(record.decision_id, record.pd) for record in JournalReader(folder).decisions()]
            logger.info("%s: %d decisions", folder.parent.name, len(records))
            assert not kept.keys() & {name for name, _ in records}
            kept.update(records)
        received = list(memory.received())
        return len(received) == memory.rows and all(
            np.float32(kept[one.decision_id]) == np.float32(one.pd) for one in received
        )

    def _folders(self) -> list[Path]:
        return [journal / "decisions" for journal in self.journals]


@pytest.fixture
def platform(images: Images, tmp_path: Path) -> Platform:
    return Platform(tmp_path)


def test_a_rolling_update_under_load_fails_no_request_and_loses_no_decision(platform: Platform, images: Images) -> None:
    with platform.pods.running(images.first):
        began = time.monotonic()
        with platform.callers.calling() as memory:
            assert platform.callers.wait_until(lambda seen: seen.rows > 2_000)
            before, asked = memory.rows, time.monotonic()
            platform.pods.update(images.second)
            logger.info("the update took %.0f s and %d requests", time.monotonic() - asked, memory.rows - before)
            assert platform.callers.wait_until(lambda seen: seen.rows >= REQUESTS, LIMITLESS)
        logger.info("%.0f requests per second", memory.rows / (time.monotonic() - began))
        platform.pods.stop()
        assert platform.nothing_failed(memory)
        assert memory.rows >= REQUESTS
        assert platform.keeps(memory)
    versions = {tag.partition(":")[2].removesuffix("-fp32") for tag in platform.models()}
    assert versions == {"7.0.0", "8.0.0"}


@pytest.mark.parametrize(
    ("bad", "last_words"), [("changed", "the graph.s sha256 is"), ("crashing", "SCOREBOX_MAX_WAIT")]
)
def test_a_bad_release_takes_no_request_and_is_undone(
    platform: Platform, images: Images, bad: str, last_words: str
) -> None:
    with platform.pods.running(images.first):
        with platform.callers.calling() as memory:
            assert platform.callers.wait_until(lambda seen: seen.rows > 1_000)
            with pytest.raises(NotReadyError, match=last_words):
                platform.pods.update(getattr(images, bad), patience=15)
            failed = platform.pods.pod(1)
            assert platform.callers.wait_until(lambda _: platform.restarts(failed) > 1)
            before = platform.last_sequence(1)
            there = memory.rows
            assert platform.callers.wait_until(lambda seen: seen.rows > there + 1_000)
            assert platform.last_sequence(1) == before
            platform.pods.undo()
            assert platform.callers.wait_until(lambda _: platform.last_sequence(1) > before + 100)
        assert failed.name not in platform.door.served
        assert platform.pods.pod(1).name in platform.door.served
        platform.pods.stop()
        assert platform.nothing_failed(memory)
        assert platform.keeps(memory)
    (tag,) = platform.models()
    assert tag.partition(":")[2] == "7.0.0-fp32"
