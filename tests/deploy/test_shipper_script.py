"""The script that runs the shipper next to a server, in a real shell, with a Python that notes how it was called."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.deploy.command_line import COMMAND, noted, refused
from tests.deploy.manifests import KUBERNETES
from tests.waiting import LONGEST_WAIT

FOLLOW = [*COMMAND, "journal", "ship", "card_default", "--follow"]
ONCE = FOLLOW[:-1]
DATABASE = {"SCOREBOX_DATABASE": "postgresql://somebody:something@somewhere/lending"}


class Shipper:
    """The script, and what it has called."""

    def __init__(self, folder: Path, follows: str) -> None:
        """`follows` is what the shipper does after it has noted the call with `--follow`."""
        self._note = folder / "calls"
        python = folder / "python"
        python.write_text(
            f'#!/bin/sh\nprintf "%s\\n" python "$@" >>{self._note}\ncase "$*" in *--follow) {follows};; esac\n'
        )
        python.chmod(0o755)
        self.process = subprocess.Popen(
            ["/bin/sh", str(KUBERNETES / "base" / "ship.sh")],
            env={
                "PATH": f"{folder}:{os.environ['PATH']}",
                "SCOREBOX_SCORECARD": "card_default",
                "SHIP_AGAIN_SECONDS": "0.1",
            },
        )

    def __enter__(self) -> Shipper:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def wait_for(self, calls: int) -> None:
        while len(self.calls()) < calls:
            assert self.process.poll() is None
            time.sleep(0.02)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LONGEST_WAIT)

    def calls(self) -> list[list[str]]:
        return noted(self._note)


def test_it_follows_the_journal_and_copies_what_is_left_when_it_is_told_to_stop(tmp_path: Path) -> None:
    with Shipper(tmp_path, "trap 'exit 0' TERM; while :; do sleep 0.05; done") as shipper:
        shipper.wait_for(1)
        assert shipper.stop() == 0
        assert shipper.calls() == [FOLLOW, ONCE]


def test_a_stop_that_comes_while_the_shipper_starts_is_not_lost(tmp_path: Path) -> None:
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        with Shipper(folder, "kill -TERM $PPID; while :; do sleep 0.05; done") as shipper:
            assert shipper.process.wait(LONGEST_WAIT) == 0
            assert shipper.calls() == [FOLLOW, ONCE]


def test_a_shipper_that_fails_is_started_again_and_the_container_goes_on(tmp_path: Path) -> None:
    with Shipper(tmp_path, "exit 1") as shipper:
        shipper.wait_for(3)
        assert shipper.process.poll() is None
        assert shipper.stop() == 0
        assert shipper.calls()[:3] == [FOLLOW] * 3
        assert shipper.calls()[-1] == ONCE


def test_the_command_line_takes_what_it_calls() -> None:
    assert refused(FOLLOW, DATABASE) is None
    assert refused(ONCE, DATABASE) is None
    assert refused(ONCE, {})
