"""How long a journal is kept."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from scoring.journal.schema import reading, segments

logger = logging.getLogger("bentoml.scorebox")


def remove_expired(folder: Path, months: int) -> list[Path]:
    """Remove the segments whose last decision is older than so many months; never the newest one.

    Returns:
        Those that were removed.
    """
    today = datetime.now(UTC)
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    # The first day of the month: up to a month late, never early.
    oldest = f"{year:04}-{month + 1:02}-01"
    removed = []
    for path in segments(folder)[:-1]:
        with reading(path) as connection:
            (last,) = connection.execute("SELECT max(decided_at) FROM batches").fetchone()
        if last is None or last >= oldest:
            break
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            path.with_name(name).unlink(missing_ok=True)
        removed.append(path)
        logger.info("removed %s: its last decision was more than %d months ago", path.name, months)
    return removed
