"""Files of a Kaggle competition or data set, by Kaggle's own client and its credentials."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from scoring.expected import DataError
from training.sources.found import CHUNK, FoundFile

PAGE = 200


def kaggle_files(page: str, wanted: Collection[str]) -> dict[str, FoundFile]:
    """Return the wanted files of a page.

    Args:
        page: `competitions/NAME` or `datasets/OWNER/NAME[/VERSION]`.
        wanted: file names, without folders.

    Raises:
        DataError: the page is not named so, there are no credentials, or Kaggle refuses them.
        Exception: whatever else the client raises.
    """
    kind, _, name = page.strip("/").partition("/")
    if kind not in ("competitions", "datasets") or not name or (kind == "datasets") != ("/" in name):
        raise DataError("a Kaggle location reads kaggle://competitions/NAME or kaggle://datasets/OWNER/NAME")
    client = _client()
    files: dict[str, FoundFile] = {}
    token = None
    while True:
        list_files = client.competition_list_files if kind == "competitions" else client.dataset_list_files
        listing = _asked(lambda list_files=list_files, token=token: list_files(name, token, PAGE))
        for entry in listing.files:
            short = PurePosixPath(entry.name).name
            if short in wanted:
                created = entry.creation_date
                files[short] = FoundFile(
                    name=short,
                    chunks=lambda path=entry.name: _chunks(client, kind, name, path),  # type: ignore[misc]
                    size=None,  # the listing counts unpacked bytes, and Kaggle may send a zip
                    modified=created.replace(tzinfo=created.tzinfo or UTC) if isinstance(created, datetime) else None,
                )
        token = listing.next_page_token
        if not token:
            return files


def _client() -> Any:
    """Return the client, signed in; it looks for credentials when it is imported, and prints help if there are none."""
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            from kaggle.api.kaggle_api_extended import KaggleApi

            client = KaggleApi()
            client.authenticate()
    except SystemExit:
        raise DataError(
            "no valid Kaggle credentials: set KAGGLE_API_TOKEN, or KAGGLE_USERNAME and KAGGLE_KEY"
        ) from None
    return client


def _asked(request: Any) -> Any:
    from requests import HTTPError

    try:
        return request()
    except HTTPError as error:
        advice = {
            401: "Kaggle refuses the credentials",
            403: "Kaggle refuses access; a competition's rules must be accepted on its page first",
            404: "Kaggle has no such page or file",
        }
        status = error.response.status_code if error.response is not None else 0
        raise DataError(advice.get(status, str(error))) from None


def _chunks(client: Any, kind: str, name: str, path: str) -> Iterator[bytes]:
    from kagglesdk.competitions.types.competition_api_service import ApiDownloadDataFileRequest
    from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

    with client.build_kaggle_client() as kaggle:
        if kind == "competitions":
            request = ApiDownloadDataFileRequest()
            request.competition_name = name
            download = kaggle.competitions.competition_api_client.download_data_file
        else:
            request = ApiDownloadDatasetRequest()
            request.owner_slug, request.dataset_slug, version = client.split_dataset_string(name)
            request.dataset_version_number = int(version) if version else None
            download = kaggle.datasets.dataset_api_client.download_dataset
        request.file_name = path
        with _asked(lambda: download(request)) as response:
            yield from response.iter_content(CHUNK)
