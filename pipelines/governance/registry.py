"""The models of one scorecard in MLflow's registry: versions, aliases, and who was champion when.

A version holds every graph of one training, the record of each for the model store, a signature and
an input example. Aliases: `champion` serves, `challenger` would like to.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Literal

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.utils.uri import append_to_uri_path
from pydantic import BaseModel, ValidationError

from pipelines.governance.mlflow_files import RECORDS, RECORDS_FILE, read_content, save_version
from pipelines.governance.versions import Registered, read_version
from scoring import models
from scoring.decision import Variant
from scoring.disk import writing
from scoring.leftovers import scratch_folder
from scoring.models import Content, ModelRecord, ModelStoreError
from scoring.scorecard import Scorecard
from scoring.store_entry import settle_entry
from training.errors import StageError, TrackingError
from training.tracking import connected

CHAMPION, CHALLENGER = "champion", "challenger"
CHAMPIONS = "scorebox.champions"
"""Tag of the registered model that holds its `ChampionHistory`."""
# MLflow names none for a folder that is not there.
NO_ARTIFACT = "No such artifact"
MISSING = {None, errno.ENOENT, errno.ENOTDIR}

Move = Literal["promotion", "rollback"]


class ChampionHistory(BaseModel):
    """The champions in order, the present one last, and a move that has not been finished.

    One tag, so one write: it is made before alias and release are moved, and says what they must
    become if the process ends in between.
    """

    champions: list[int] = []
    unfinished: Move | None = None


class Registry:
    """The registered model of one scorecard.

    Every method raises TrackingError if the server cannot be reached or refuses.
    """

    def __init__(self, scorecard: Scorecard) -> None:
        self._scorecard = scorecard
        self._name = scorecard.name

    def versions(self) -> list[Registered]:
        """Return the versions that `push` registered, oldest first."""
        return [version for version in self.all_versions().values() if version]

    def all_versions(self) -> dict[int, Registered | None]:
        """Return every version by its number, oldest first; None for a foreign one."""
        with connected("list the models") as client:
            found = client.search_model_versions(f"name = '{self._name}'")
        return {int(item.version): read_version(item, self._name) for item in sorted(found, key=_number)}

    def version(self, number: int) -> Registered:
        """Return the version of that number.

        Raises:
            StageError: there is none, or `push` did not register it.
        """
        every = self.all_versions()
        if (found := every.get(number)) is not None:
            return found
        fault = f"version {number} of {self._name} is foreign: scorebox push did not register it"
        if number not in every:
            fault = f"{self._name} has no version {number} in the registry"
        raise StageError(f"{fault}; see: scorebox registry {self._name}")

    def at(self, alias: str) -> Registered | None:
        """Return the version that an alias is at; None if there is no such alias, or it is at a foreign version."""
        number = self.aliases().get(alias)
        return None if number is None else self.all_versions().get(number)

    def aliases(self) -> dict[str, int]:
        """Return which version each alias is at; empty before the first push."""
        with connected("find the aliases") as client:
            entry = _entry(client, self._name)
        return {alias: int(number) for alias, number in entry.aliases.items()} if entry else {}

    def champion_history(self) -> ChampionHistory:
        """Return the champions so far.

        Raises:
            StageError: somebody has changed the tag to what is no history.
        """
        with connected("read the champions") as client:
            entry = _entry(client, self._name)
        if not entry or CHAMPIONS not in entry.tags:
            return ChampionHistory()
        try:
            return ChampionHistory.model_validate_json(entry.tags[CHAMPIONS])
        except ValidationError:
            raise StageError(
                f"the tag {CHAMPIONS} of {self._name} in the registry is not a champion history; put it right by hand: "
                f"{ChampionHistory(champions=[1]).model_dump_json()}"
            ) from None

    def champion_number(self) -> int | None:
        """Return the champion by the history, else by an alias that was set by hand; None before the first."""
        champions = self.champion_history().champions
        return champions[-1] if champions else self.aliases().get(CHAMPION)

    def end_challenge(self, champion: int) -> None:
        """Take the challenger's alias from the champion: it cannot challenge itself."""
        if self.aliases().get(CHALLENGER) == champion:
            self.drop(CHALLENGER)

    def write_history(self, history: ChampionHistory) -> None:
        """Replace the champion history."""
        with connected("record the champion") as client:
            client.set_registered_model_tag(self._name, CHAMPIONS, history.model_dump_json())

    def point(self, alias: str, number: int) -> None:
        """Move an alias to a version."""
        with connected(f"move the alias {alias}") as client:
            client.set_registered_model_alias(self._name, alias, str(number))

    def drop(self, alias: str) -> None:
        """Delete an alias."""
        with connected(f"take the alias {alias} away") as client:
            client.delete_registered_model_alias(self._name, alias)

    def tag(self, number: int, name: str, value: str) -> None:
        """Set a tag of a version."""
        with connected("tag the model") as client:
            client.set_model_version_tag(self._name, str(number), name, value)

    def register(
        self,
        records: Mapping[Variant, ModelRecord],
        contents: Mapping[Variant, Content],
        tags: Mapping[str, str],
    ) -> tuple[Registered, bool]:
        """Return the version of these bytes, and whether it is new; the same bytes are registered once.

        The files go to the training's own run, so it must be on the server. Files and tags that a version lacks, or
        files that have other bytes, are written anew.
        """
        record = records["fp32"]
        every = {**_version_tags(records), **tags}
        for item in self.versions():
            if item.tags.store_version == record.version:
                self._complete(item, records, contents, every)
                return item, False
        with connected("register the model") as client, _scratch() as folder:
            save_version(folder / "model", self._scorecard, records, contents)
            if _entry(client, self._name) is None:
                client.create_registered_model(self._name, description=self._scorecard.title)
            run = client.get_run(record.mlflow_run_id)
            files = append_to_uri_path(run.info.artifact_uri, "model", record.version)  # type: ignore[no-untyped-call]  # of MLflow
            _upload(folder / "model", files)
            made = client.create_model_version(self._name, files, run_id=record.mlflow_run_id, tags=every)
        return self.version(int(made.version)), True

    def _complete(
        self,
        item: Registered,
        records: Mapping[Variant, ModelRecord],
        contents: Mapping[Variant, Content],
        tags: Mapping[str, str],
    ) -> None:
        """Write what a version lacks."""
        for name in tags.keys() - item.tags.model_fields_set:
            self.tag(item.number, name, tags[name])
        with suppress(StageError, ModelStoreError, TrackingError):  # of a server out of reach the upload will tell
            if self._download(item)[1] == dict(contents):
                return
        with connected("complete the model") as client, _scratch() as folder:
            save_version(folder / "model", self._scorecard, records, contents)
            _upload(folder / "model", client.get_model_version_download_uri(self._name, str(item.number)))

    def restore(self, registered: Registered) -> list[str]:
        """Put a version's variants into the model store where they are not there.

        Returns:
            The tags that were missing, or had other bytes.

        Raises:
            ModelStoreError: the registry's bytes are not the recorded ones.
            StageError: the registry's record cannot be read, or files are missing there.
        """
        missing = registered.missing_from_store()
        if missing:
            records, contents = self._download(registered)
            for variant, record in records.items():
                models.push(record, contents[variant])
        for tag in registered.release.tags.values():
            settle_entry(tag)
        return missing

    def _download(self, registered: Registered) -> tuple[dict[Variant, ModelRecord], dict[Variant, Content]]:
        """Return records and bytes of a version, checked against each other."""
        number = registered.number
        repair = f"where it was trained, run: scorebox push {self._name}"
        try:
            with connected("give the model") as client, _scratch() as scratch:
                source = client.get_model_version_download_uri(self._name, str(number))
                folder = Path(mlflow.artifacts.download_artifacts(source, dst_path=str(scratch)))
                records = self._records(folder / RECORDS_FILE, number)
                contents = {variant: read_content(folder, variant) for variant in records}
        except (OSError, TrackingError) as error:
            # MLflow has one exception for a file that is missing and for a server that is.
            if error.errno not in MISSING if isinstance(error, OSError) else NO_ARTIFACT not in str(error):
                raise
            raise StageError(f"version {number} of {self._name} lacks files in the registry; {repair}") from None
        for variant, content in contents.items():
            try:
                content.check(records[variant])
            except ModelStoreError as error:
                raise ModelStoreError(f"version {number} in the registry is damaged: {error}; {repair}") from None
        return records, contents

    def _records(self, path: Path, number: int) -> dict[Variant, ModelRecord]:
        try:
            return RECORDS.validate_json(path.read_bytes())
        except ValidationError:
            # Of a Scorebox whose models had no explain graph.
            raise StageError(
                f"the record of version {number} of {self._name} cannot be read; train and push it again"
            ) from None


def _version_tags(records: Mapping[Variant, ModelRecord]) -> dict[str, str]:
    record = records["fp32"]
    return {
        "scorecard": record.scorecard,
        "store_version": record.version,
        "family": record.family,
        "cutoff": repr(record.cutoff),
        "data": record.data.label,
        "data_sha256": record.data.sha256,
        "git_revision": record.git_revision,
        **{f"graph_sha256_{variant}": item.graph_sha256 for variant, item in records.items()},
        **{f"explain_sha256_{variant}": item.explain_sha256 for variant, item in records.items()},
        **{f"store_tag_{variant}": item.tag for variant, item in records.items()},
    }


def _entry(client: MlflowClient, name: str) -> Any:
    """Return the registered model, None if there is none."""
    try:
        return client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code == ErrorCode.Name(RESOURCE_DOES_NOT_EXIST):
            return None
        raise


def _number(found: ModelVersion) -> int:
    return int(found.version)


def _upload(folder: Path, place: str) -> None:
    store: Any = get_artifact_repository(place)
    with writing(place):
        store.log_artifacts(str(folder))


def _scratch() -> AbstractContextManager[Path]:
    return scratch_folder(Path(tempfile.gettempdir()), "scorebox-registry")
