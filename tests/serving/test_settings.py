"""Settings: each can be set, and a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from inline_snapshot import snapshot

from serving.settings import PREFIX, Settings, SettingsError, read_settings
from serving.startup import StartError, load_startup_config


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)


def test_everything_has_a_default() -> None:
    assert read_settings() == Settings()


def test_a_wrong_value_is_named_with_its_rule_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOREBOX_MAX_WAIT", "soon")
    monkeypatch.setenv("SCOREBOX_VARIANT", "fp64")
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value).split("; ") == snapshot(
        [
            "SCOREBOX_VARIANT: Input should be 'fp32' or 'int8'",
            "SCOREBOX_MAX_WAIT: Input should be a valid number, unable to parse string as a number",
        ]
    )


def test_the_environment_overrules_what_a_bento_was_built_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings("other").scorecard == "other"
    monkeypatch.setenv("SCOREBOX_SCORECARD", "card_default")
    assert read_settings("other").scorecard == "card_default"


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOREBOX_RELEASE", "")
    monkeypatch.setenv("SCOREBOX_MAX_WAIT", "")
    assert read_settings() == Settings()


def test_a_release_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCOREBOX_RELEASE", str(tmp_path))
    with pytest.raises(StartError, match=tmp_path.name):
        load_startup_config(tmp_path, tmp_path)


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("release", "variable", "value", "message"),
    [
        (None, "SCORECARD", "nope", "there is no scorecard 'nope'"),
        (None, "MAX_WAIT", "0", "SCOREBOX_MAX_WAIT: Input should be greater than 0"),
        (None, "DRAIN", "1", "run: scorebox promote card_default"),
        ("{}", "DRAIN", "1", "is not a release"),
        ('{"scorecard": "b", "version": "1", "serving": "fp32", "tags": {}}', "DRAIN", "1", "the release is of b"),
        (
            '{"scorecard": "card_default", "version": "1", "serving": "fp32", "tags": {"fp32": "x:1"}}',
            "VARIANT", "int8", "SCOREBOX_VARIANT: release 1 has only fp32",
        ),
    ],
)  # fmt: skip
def test_a_service_that_cannot_start_says_why_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, release: str | None, variable: str, value: str, message: str
) -> None:
    if release is not None:
        path = tmp_path / "release.json"
        path.write_text(release)
        monkeypatch.setenv("SCOREBOX_RELEASE", str(path))
    monkeypatch.setenv(PREFIX + variable, value)
    with pytest.raises(StartError) as caught:
        load_startup_config(tmp_path, tmp_path)
    assert str(caught.value).startswith("scorebox cannot start: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
