"""Decide without a pause until standard input closes: `python -m tests.pipelines.journal.shipping.appends FOLDER`."""

from __future__ import annotations

import select
import sys
from pathlib import Path

from scoring.journal.limits import JournalLimits
from scoring.journal.writer import Journal
from tests.pipelines.journal.shipping.copies import challenge
from tests.scoring.journal.made_up import append

if __name__ == "__main__":
    journal = Journal(Path(sys.argv[1]), JournalLimits(segment_bytes=1 << 20))
    journal.open()
    while not select.select([sys.stdin], [], [], 0.01)[0]:
        made = append(journal, [0.01 * number for number in range(5)], applicant="anna")
        challenge(journal, made.decision_ids[:1])
    journal.close()
