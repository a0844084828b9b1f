"""Read long lists a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

Row = TypeVar("Row")
LARGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for: `number` from 1, of `size` rows."""

    number: int = 1
    size: int = 50


@dataclass(frozen=True, slots=True)
class Paged(Generic[Row]):
    """The rows of one page, and how many there are in all."""

    rows: list[Row]
    total: int


async def read_page(session: AsyncSession, query: Select[*tuple[Any, ...]], page: Page) -> Paged[Any]:
    """Return one page of what a query with an order finds: entities, or rows if it asks for several columns."""
    total = await session.scalar(select(func.count()).select_from(query.order_by(None).subquery()))
    found = await session.execute(query.limit(page.size).offset((page.number - 1) * page.size))
    single = len(query.column_descriptions) == 1
    return Paged([*(found.scalars() if single else found)], total or 0)


def contains(text: str) -> str:
    """Return the LIKE pattern of texts that contain this one, whose own signs stand for themselves; escape is `/`."""
    escaped = text.replace("/", "//").replace("%", "/%").replace("_", "/_")
    return f"%{escaped}%"
