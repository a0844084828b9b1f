"""Which tests one process runs where several run them."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

ENGINE = "the container engine"
ON_THE_ENGINE = {
    f"tests/deploy/test_{name}.py"
    for name in ("compose", "delivery", "footprint", "image", "release", "splitter", "watch_image")
}
"""They share images, which are long in the making, and the name of one."""


class Together(LoadFileScheduling):  # type: ignore[misc]  # it is untyped
    """Those of a file, which share servers and folders, and those that use the container engine."""

    # The marks of `--dist loadgroup` would do, but pytest-xdist 3.8 does not get them across with pytest 9.2.
    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return ENGINE if file in ON_THE_ENGINE else file
