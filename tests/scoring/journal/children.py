"""Processes that append to a journal: one that goes on until it is killed, one whose files may not grow."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from scoring.journal.limits import JournalLimits
from scoring.journal.transaction import JournalUnavailableError
from scoring.journal.writer import Journal
from tests.scoring.journal.made_up import append


def without_end(folder: Path) -> None:
    """Appends batches and says of each, once it is on disk, the ids in it."""
    journal = Journal(folder, JournalLimits(segment_bytes=1 << 17))
    journal.open()
    while True:
        made = append(journal, [0.1, 0.4, 0.8], applicant="x" * 500)
        sys.stdout.write(" ".join(made.decision_ids) + "\n")
        sys.stdout.flush()


def until_full(folder: Path) -> None:
    """Appends until no file may grow, and then, once they may, three more; says how many decisions were taken."""
    journal = Journal(folder)
    journal.open()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, hard))
    taken = 0
    try:
        while True:
            append(journal, [0.1, 0.4, 0.8], applicant="x" * 500)
            taken += 3
    except JournalUnavailableError as error:
        refused = str(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    append(journal, [0.1, 0.4, 0.8])
    sys.stdout.write(f"{taken + 3}\n{refused}\n")


if __name__ == "__main__":
    {"without_end": without_end, "until_full": until_full}[sys.argv[1]](Path(sys.argv[2]))
