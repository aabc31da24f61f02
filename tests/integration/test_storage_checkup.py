"""What `tracklet doctor` sees of the buckets: the real client, a server on loopback."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.doctor.storage import storage_checks
from bot.settings import Settings
from tests.google.storage_server import Resource, StorageServer


async def test_doctor_writes_reads_and_deletes_in_each_bucket_and_names_the_one_it_may_not_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written: list[str] = []

    async def finalized(resource: Resource) -> None:
        written.append(resource["name"])

    folder = str(tmp_path / "not" / "there")
    settings = Settings(video_bucket="videos-bucket", annotation_bucket="gs://closed-bucket", object_bucket=folder)
    async with StorageServer("videos-bucket", "closed-bucket", on_finalized=finalized) as storage:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage.address)
        storage.denied.add("closed-bucket")
        videos, annotations, objects = await storage_checks(settings)
        assert await storage.get(f"gs://videos-bucket/{written[0]}") is None
    assert videos.is_well
    assert objects.is_well
    assert not annotations.is_well
    assert "gs://closed-bucket." in annotations.sentence
    # A name that no event of it makes work of.
    assert written[0].startswith("tracklet/")
    assert not (tmp_path / "not").exists()


RIGHTS = {"get", "create", "delete"}


@pytest.mark.parametrize("says_so", [True, False], ids=["said beforehand", "tried"])
@pytest.mark.parametrize(
    ("rights", "told"),
    [
        (RIGHTS, "videos-bucket can be read and written."),
        (RIGHTS - {"create"}, "I may not write objects in gs://videos-bucket."),
        (RIGHTS - {"get"}, "I may not read objects in gs://videos-bucket."),
        (RIGHTS - {"delete"}, "objects in gs://videos-bucket."),
        (set[str](), "objects in gs://videos-bucket."),
    ],
    ids=["all", "no write", "no read", "no delete", "none"],
)
async def test_doctor_says_which_right_is_missing_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, rights: set[str], told: str, says_so: bool
) -> None:
    async with StorageServer("videos-bucket") as storage:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage.address)
        storage.rights["videos-bucket"] = rights | ({"test"} if says_so else set())
        (videos,) = await storage_checks(Settings(video_bucket="videos-bucket"))
        left = await storage.names("videos-bucket")
    assert told in videos.sentence
    assert videos.is_well is (rights == RIGHTS)
    assert [f"gs://videos-bucket/{name}" in videos.sentence for name in left] == ([True] if left else [])
    if says_so or "delete" in rights:
        assert left == []


async def test_doctor_names_what_a_retention_policy_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async with StorageServer("videos-bucket") as storage:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", storage.address)
        storage.retained.add("videos-bucket")
        (videos,) = await storage_checks(Settings(video_bucket="videos-bucket"))
        (left,) = await storage.names("videos-bucket")
    assert not videos.is_well
    assert "retention policy" in videos.sentence
    assert f"still at gs://videos-bucket/{left}" in videos.sentence


async def test_doctor_asks_nothing_where_no_bucket_is_configured() -> None:
    assert await storage_checks(Settings()) == []


async def test_doctor_leaves_the_folders_that_were_there(tmp_path: Path) -> None:
    (tmp_path / "objects" / "tracklet").mkdir(parents=True)
    (objects,) = await storage_checks(Settings(object_bucket=str(tmp_path / "objects")))
    assert objects.is_well
    assert [path.name for path in (tmp_path / "objects").rglob("*")] == ["tracklet"]
