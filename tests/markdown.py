"""Markdown tables without the padding that lines their columns up."""

from __future__ import annotations

import re


def unpadded(text: str) -> str:
    """The text with one space where there are several."""
    return re.sub(" +", " ", text)
