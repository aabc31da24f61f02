"""`tracklet doctor`: "ok" for what is ok, "--" for what need not be there or can't be seen, "no" and status 1 for the rest."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.doctor.local import Check, local_checks
from bot.doctor.slack import slack_checks
from bot.settings import Settings
from bot.slack.scopes import SCOPES
from playground import Playground
from tests.integration.bot_workspace import settings_for, workspace
from tests.integration.command import Run
from tracking.errors import EngineAbsence, EngineUnavailable
from tracking.local import weights
from tracking.local.detectors.base import PublishedModel


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing can be fetched, and nothing was."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def marks(checks: list[Check]) -> dict[str, str]:
    """What stands before each row."""
    return {each.name: "no" if not each.is_well else "ok" if each.is_there else "--" for each in checks}


def of_model(settings: Settings) -> Check:
    return next(check for check in local_checks(settings) if check.name == "model")


@pytest.mark.usefixtures("offline")
def test_a_bot_without_a_token_is_missing_something(run: Run) -> None:
    status, out, _ = run("doctor")
    assert status == 1
    assert "no  slack         There is no SLACK_BOT_TOKEN." in out


@pytest.mark.usefixtures("offline")
def test_a_model_that_cannot_be_fetched_is_missing(tmp_path: Path) -> None:
    check = of_model(Settings(data_dir=tmp_path))
    assert not check.is_well
    assert "can't be fetched" in check.sentence
    assert "TRACKLET_MODEL" in check.sentence
    assert list(tmp_path.iterdir()) == []
    needless = of_model(Settings(data_dir=tmp_path, engine="motion"))
    assert marks([needless]) == {"model": "--"}


async def test_a_model_that_can_be_fetched_is_told_so_and_not_fetched(tmp_path: Path) -> None:
    async with workspace(tmp_path / "data") as there:
        link = f"{there.web_url}/model.mp4"
        published = {"nano": PublishedModel(link, 1, "0")}
        await asyncio.to_thread(weights.reach, "nano", folder=tmp_path / "cache", published=published)
        gone = {"nano": PublishedModel(f"{there.web_url}/none", 1, "0")}
        with pytest.raises(EngineUnavailable) as caught:
            await asyncio.to_thread(weights.reach, "nano", folder=tmp_path / "cache", published=gone)
    assert (caught.value.reason, caught.value.detail) == (EngineAbsence.OFFLINE, "HTTP 404")
    assert not (tmp_path / "cache").exists()
    with pytest.raises(EngineUnavailable) as caught:
        weights.reach("nano", folder=Path("/dev/null/nowhere"), published=published)
    assert caught.value.reason is EngineAbsence.CONFIGURATION


@pytest.mark.usefixtures("offline")
def test_a_disk_that_is_nearly_full_is_told_with_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.doctor.local.LEAST_FREE_BYTES", 1 << 60)
    check = next(check for check in local_checks(Settings(data_dir=tmp_path)) if check.name == "data folder")
    assert not check.is_well
    assert "but only" in check.sentence


async def test_doctor_changes_nothing_in_a_folder_that_is_in_use(tmp_path: Path) -> None:
    async with workspace(tmp_path / "data") as there:
        await there.progress(await there.clip(), starts="I found")
        await there.job_over()
    before = listing(tmp_path)
    found = marks(list(local_checks(Settings(data_dir=tmp_path / "data", engine="motion"))))
    assert found["data folder"] == found["database"] == "ok"
    assert listing(tmp_path) == before


def listing(folder: Path) -> list[tuple[str, int, float]]:
    return sorted((str(path), path.stat().st_size, path.stat().st_mtime) for path in folder.rglob("*") if path.is_file())


async def test_a_secret_that_cannot_be_checked_is_not_called_ok(tmp_path: Path) -> None:
    async with Playground(limits=None, scopes=frozenset(SCOPES)) as slack:
        checks = await slack_checks(settings_for(slack, tmp_path, {}))
        missing = await slack_checks(settings_for(slack, tmp_path, {"slack_signing_secret": SecretStr("")}))
    assert marks(checks) == {"slack": "ok", "scopes": "ok", "channels": "ok", "events": "--"}
    assert "log of `tracklet serve`" in checks[-1].sentence
    assert marks(missing)["events"] == "no"


@pytest.mark.parametrize(
    ("changes", "row", "told"),
    [
        (
            {"slack_bot_token": SecretStr("xoxb-wrong")},
            "slack",
            "SLACK_BOT_TOKEN can't be used: Slack does not know this token",
        ),
        ({"slack_bot_token": SecretStr("xapp-wrong")}, "slack", "a token that begins with xapp- is not a bot's"),
        ({"slack_bot_token": SecretStr("xoxb-1\nwrong")}, "slack", "another character"),
        ({"slack_app_token": SecretStr("xoxb-wrong")}, "slack", "an app-level token begins with xapp-"),
        ({"slack_app_token": SecretStr("xapp-wrong")}, "events", "SLACK_APP_TOKEN can't be used: Slack refuses this token"),
        ({"slack_api_url": "elsewhere"}, "slack", "Slack does not answer."),
        ({"slack_api_url": "http://127.0.0.1:1/api/"}, "slack", "Slack does not answer."),
    ],
)
async def test_doctor_says_of_a_token_what_the_start_says(
    tmp_path: Path, changes: dict[str, object], row: str, told: str
) -> None:
    async with Playground(limits=None, scopes=frozenset(SCOPES)) as slack:
        changes = {name: slack.url if value == "elsewhere" else value for name, value in changes.items()}
        checks = await slack_checks(settings_for(slack, tmp_path, changes))
    (fault,) = (check for check in checks if not check.is_well)
    assert fault.name == row
    assert told in fault.sentence
    assert "wrong" not in fault.sentence
