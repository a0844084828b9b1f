"""Let people of one role to a page, or to what a page sends."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from desk.access.sign_in import Visitor
from desk.database.people import Role
from desk.pages.forms import PageForm, Sent
from desk.web.visitors import Only, logged_in


class LookingAs:
    """Lets people of a role look at a page; 403 for others.

    Args:
        role: theirs.
    """

    def __init__(self, role: Role) -> None:
        self._only = Only(role)

    def __call__(self, visitor: Annotated[Visitor, Depends(logged_in)]) -> Visitor:
        """Return who looks."""
        return self._only(visitor)


class SendingAs:
    """Lets people of a role send the form of a page; 403 for others.

    Args:
        role: theirs.
    """

    def __init__(self, role: Role) -> None:
        self._only = Only(role)

    def __call__(self, sent: Sent) -> PageForm:
        """Return what was sent."""
        self._only(sent.visitor)
        return sent
