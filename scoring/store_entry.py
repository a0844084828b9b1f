"""An entry of BentoML's model store, published by one rename.

BentoML makes an entry in the temporary folder and copies it into the store file by file: a process that is killed
meanwhile leaves files there, and an entry that BentoML takes for whole or cannot read.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.models.model import MODEL_YAML_FILENAME, ModelContext, ModelInfo, ModelStore
from bentoml._internal.tag import Tag

from scoring.files import sync_folder, write_atomically
from scoring.leftovers import delete_abandoned, scratch_folder

SCRATCH = ".scorebox-store"
_NOT_THERE = {errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS}


def write_entry(tag: str, labels: Mapping[str, str], metadata: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Write an entry as a whole, in the place of a damaged one if there is one.

    Raises:
        OSError: the store cannot be written to.
    """
    store = _path(BentoMLContainer.model_store.get())
    place = store / Tag.from_str(tag).path()
    whole = {**files, MODEL_YAML_FILENAME: _description(tag, labels, metadata)}
    try:
        # Next to the store, since BentoML takes every folder in it for models.
        _publish(whole, store.parent, place)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        # The store is a mount, or its own folder is all that may be written to.
        _publish(whole, store, place)


def settle_entry(tag: str) -> None:
    """Let `latest` of the store name this whole entry, unless it names a newer one, and delete what kills have left."""
    store = BentoMLContainer.model_store.get()
    for folder in (_path(store).parent, _path(store)):
        delete_abandoned(folder, SCRATCH)
    entry = Tag.from_str(tag)
    latest = _path(store) / entry.latest_path()
    version = str(entry.version)
    try:
        named = latest.read_text().strip()
        if named == version or store.get(Tag(entry.name, named)).creation_time > store.get(entry).creation_time:
            return
    except Exception:  # noqa: S110 BentoML has many for an entry that is missing or damaged
        pass
    write_atomically(latest, version)


def _description(tag: str, labels: Mapping[str, str], metadata: Mapping[str, Any]) -> bytes:
    info = ModelInfo(
        tag=Tag.from_str(tag),
        module="",
        labels=dict(labels),
        options={},
        metadata=dict(metadata),
        context=ModelContext(framework_name="", framework_versions={}),
        signatures={},
        api_version="v1",
    )
    text = io.StringIO()
    info.dump(text)
    return text.getvalue().encode()


def _publish(files: Mapping[str, bytes], folder: Path, place: Path) -> None:
    with scratch_folder(folder, SCRATCH) as scratch:
        new = scratch / "new"
        new.mkdir()
        for name, content in files.items():
            write_atomically(new / name, content)
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.exists():
            place.replace(scratch / "damaged")
        new.replace(place)
        sync_folder(place.parent)


def _path(store: ModelStore) -> Path:
    return store._path  # noqa: SLF001 BentoML tells it nobody
