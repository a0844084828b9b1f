"""How far the journal has been copied: what the shipper leaves next to it, and the service shows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scoring.files import write_atomically
from scoring.journal.reader import JournalReader
from scoring.journal.schema import JournalError

_NAME = "shipped.json"


class Shipped(BaseModel):
    """The last records that the copy holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decisions: int = Field(default=0, ge=0, description="sequence of the last decision")
    challenges: int = Field(default=0, ge=0, description="sequence of the last challenge")
    shipped_at: str | None = Field(default=None, description="UTC, ISO 8601; null if nothing was copied yet")

    def write(self, folder: Path) -> None:
        """Put it into the journal's folder.

        Raises:
            JournalError: it cannot be written.
        """
        try:
            write_atomically(folder / _NAME, self.model_dump_json() + "\n")
        except OSError as error:
            raise JournalError(f"{folder / _NAME} cannot be written: {error.strerror}") from None

    @classmethod
    def begin(cls, folder: Path) -> None:
        """Leave the position of a shipper that has copied nothing yet, unless there is one.

        Raises:
            JournalError: it cannot be written.
        """
        if not (folder / _NAME).exists():
            cls().write(folder)

    @classmethod
    def read(cls, folder: Path) -> Shipped | None:
        """Return the position that the last shipper left; None if none ever ran.

        Raises:
            JournalError: the file is not one of these, or cannot be read.
        """
        try:
            return cls.model_validate_json((folder / _NAME).read_bytes())
        except FileNotFoundError:
            return None
        except (ValidationError, OSError) as error:
            raise JournalError(f"{folder / _NAME} cannot be read: {type(error).__name__}") from None

    def lag(self, folder: Path) -> float:
        """Return the seconds since the oldest record that the copy lacks was made; 0 if it has all.

        Raises:
            JournalError: the journal cannot be read.
        """
        oldest = JournalReader(folder).oldest_after(self.decisions, self.challenges)
        if oldest is None:
            return 0.0
        return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(oldest)).total_seconds())
