"""The model families by name: every file of this folder but `family.py`, `parameters.py` and this one declares one."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module

from training import families
from training.families.family import Family

_OTHERS = {"family", "parameters", "registry"}


class Families(Mapping[str, Family]):
    """Families by the names of their files; a family's libraries are imported when it is asked for."""

    @cached_property
    def _names(self) -> tuple[str, ...]:
        found = {module.name for module in pkgutil.iter_modules(families.__path__)}
        return tuple(sorted(found - _OTHERS))

    def __getitem__(self, name: str) -> Family:
        if name not in self._names:
            raise KeyError(name)
        family: Family = import_module(f"{families.__name__}.{name}").FAMILY
        return family

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


FAMILIES = Families()
