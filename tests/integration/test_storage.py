"""One contract for folders and buckets, with Google's own client against the emulator and its front."""

from __future__ import annotations

import asyncio
import errno
import filecmp
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from google.oauth2.credentials import Credentials

from tests.google.storage_server import StorageServer
from tracking.engines.remote import has_arrived
from tracking.errors import OptionError, SourceRefused, StorageError
from tracking.storage.access import BucketAccess
from tracking.storage.base import Root
from tracking.storage.bucket import Bucket, GoogleStorage
from tracking.storage.folder import Folder
from tracking.storage.names import ObjectUri
from tracking.storage.roots import open_root

NAME = "path/to/clip.mp4.json"
MIB = 1024 * 1024
NO_NAMES = ["", "/etc/passwd", "../up", "a/../../up", "a//b", "a/./b", "a\\b", "a\x00", "a\nb", "x" * 1025]


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StorageServer]:
    async with StorageServer("videos", "public", "private") as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.address)
        yield running


@pytest.fixture
async def google_storage(server: StorageServer) -> AsyncIterator[GoogleStorage]:
    google = GoogleStorage()
    yield google
    await google.close()


@pytest.fixture(params=["folder", "bucket"])
async def root(request: pytest.FixtureRequest, tmp_path: Path, google_storage: GoogleStorage) -> Root:
    return Folder(tmp_path / "videos") if request.param == "folder" else google_storage.bucket("videos")


class TestEveryRoot:
    async def test_what_was_written_is_read(self, root: Root) -> None:
        stored = await root.write(NAME, b"123456789")
        assert await root.read(NAME) == b"123456789"
        assert (stored.name, stored.size_bytes, stored.crc32c) == (NAME, 9, "4waSgw==")  # the check value of CRC-32C
        assert stored.content_type == "application/json"
        found = await root.stat(NAME)
        assert found is not None
        assert (found.size_bytes, found.generation) == (9, stored.generation)

    async def test_what_is_not_there_has_generation_zero_and_cannot_be_read(self, root: Root, tmp_path: Path) -> None:
        assert await root.stat(NAME) is None
        assert await root.generation(NAME) == 0
        for reading in (root.read(NAME), root.fetch(NAME, tmp_path, limit_bytes=1)):
            with pytest.raises(StorageError) as raised:
                await reading
            assert (raised.value.action, raised.value.reason) == ("read", "missing")

    async def test_each_write_raises_the_generation(self, root: Root) -> None:
        generations = [(await root.write(NAME, bytes([number]))).generation for number in range(5)]
        assert generations == sorted(set(generations))
        assert await root.generation(NAME) == generations[-1]

    async def test_an_object_is_created_once(self, root: Root) -> None:
        await root.write(NAME, b"first", if_generation=0)
        with pytest.raises(StorageError) as raised:
            await root.write(NAME, b"second", if_generation=0)
        assert raised.value.reason == "conflict"
        assert await root.read(NAME) == b"first"

    async def test_of_many_who_create_an_object_one_wins(self, root: Root) -> None:
        results = await asyncio.gather(
            *(root.write(NAME, bytes([number]), if_generation=0) for number in range(6)), return_exceptions=True
        )
        winners = [number for number, result in enumerate(results) if not isinstance(result, BaseException)]
        assert [bytes([number]) for number in winners] == [await root.read(NAME)]

    async def test_a_stale_generation_neither_replaces_nor_deletes(self, root: Root) -> None:
        old = (await root.write(NAME, b"old")).generation
        new = (await root.write(NAME, b"new", if_generation=old)).generation
        with pytest.raises(StorageError, match="conflict"):
            await root.write(NAME, b"late", if_generation=old)
        with pytest.raises(StorageError, match="conflict"):
            await root.delete(NAME, if_generation=old)
        assert await root.read(NAME) == b"new"
        await root.delete(NAME, if_generation=new)
        assert await root.stat(NAME) is None

    async def test_deleting_what_is_not_there_is_no_error(self, root: Root) -> None:
        await root.delete(NAME)

    async def test_a_file_goes_up_and_comes_back(self, root: Root, tmp_path: Path) -> None:
        source = tmp_path / "source.mp4"
        source.write_bytes(os.urandom(9 * MIB + 11))  # more than the library sends in one piece
        stored = await root.upload("clip.mp4", source)
        assert (stored.size_bytes, stored.content_type) == (source.stat().st_size, "video/mp4")
        into = tmp_path / "into"
        into.mkdir()
        fetched = await root.fetch("clip.mp4", into, limit_bytes=10 * MIB, if_generation=stored.generation)
        assert filecmp.cmp(fetched, source, shallow=False)

    async def test_a_fetch_of_another_generation_is_a_conflict(self, root: Root, tmp_path: Path) -> None:
        old = await root.write(NAME, b"old")
        await root.write(NAME, b"new")
        with pytest.raises(StorageError, match="conflict"):
            await root.fetch(NAME, tmp_path, limit_bytes=10, if_generation=old.generation)

    async def test_what_is_larger_than_the_limit_is_not_taken(self, root: Root, tmp_path: Path) -> None:
        into = tmp_path / "into"
        into.mkdir()
        await root.write(NAME, b"\x00" * 100)
        assert len(await root.read(NAME, limit_bytes=100)) == 100
        for reading in (root.read(NAME, limit_bytes=99), root.fetch(NAME, into, limit_bytes=99)):
            with pytest.raises(StorageError, match="too-large"):
                await reading
        assert files_in(into) == []

    async def test_objects_are_listed_by_prefix(self, root: Root) -> None:
        for name in ("b/2", "a/1", "b/1"):
            await root.write(name, b"x")
        assert [stored.name async for stored in root.objects("b/")] == ["b/1", "b/2"]
        assert [stored.name async for stored in root.objects()] == ["a/1", "b/1", "b/2"]

    @pytest.mark.parametrize(
        "name", ["", "/etc/passwd", "../up", "a/../../up", "a//b", "a/./b", "a\\b", "a\x00", "a\nb", "x" * 1025]
    )
    async def test_a_name_that_is_none_is_refused(self, root: Root, name: str, tmp_path: Path) -> None:
        for action in (
            root.stat(name),
            root.read(name),
            root.write(name, b""),
            root.delete(name),
            root.upload(name, tmp_path),
            root.fetch(name, tmp_path, limit_bytes=1),
        ):
            with pytest.raises(StorageError) as raised:
                await action
            assert raised.value.reason == "name"

    async def test_a_lost_start_is_seen_by_its_annotation_file(self, root: Root) -> None:
        since = (await root.write(NAME, b"of an earlier run")).generation
        assert not await has_arrived(root, NAME, since=since)
        await root.write(NAME, b"of this run")
        assert await has_arrived(root, NAME, since=since)
        assert not await has_arrived(root, "other.json", since=0)


class TestFolder:
    async def test_a_link_out_of_the_folder_is_not_followed(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("secret")
        folder = Folder(tmp_path / "videos")
        folder.path.mkdir()
        (folder.path / "link").symlink_to(tmp_path / "secret")
        (folder.path / "up").symlink_to(tmp_path)
        for name in ("link", "up/secret"):
            with pytest.raises(StorageError, match="name"):
                await folder.read(name)
        with pytest.raises(StorageError, match="name"):
            await folder.write("up/new", b"")
        assert [stored.name async for stored in folder.objects()] == []

    async def test_its_own_name_stands_for_a_bucket(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path / "videos")
        assert folder.name == "videos"
        assert folder.uri("a/clip 1.mp4") == (tmp_path / "videos" / "a" / "clip%201.mp4").as_uri().replace("%2520", "%20")

    async def test_a_fetched_file_is_the_folders_own(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path / "videos")
        await folder.write("clip.mp4", b"x")
        assert await folder.fetch("clip.mp4", tmp_path, limit_bytes=1) == tmp_path / "videos" / "clip.mp4"

    async def test_a_linked_file_is_there_under_both_names_and_on_the_disk_once(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path / "objects")
        await folder.write("clip/1.gif", b"before")
        for _ in range(2):  # linking once more changes nothing
            (tmp_path / "drawn.gif").write_bytes(b"drawn")
            await folder.link("clip/1.gif", tmp_path / "drawn.gif")
            assert await folder.read("clip/1.gif") == b"drawn"
            assert (folder.path / "clip/1.gif").stat().st_ino == (tmp_path / "drawn.gif").stat().st_ino
        (tmp_path / "drawn.gif").unlink()
        assert files_in(folder.path) == ["clip", "clip/1.gif"]
        with pytest.raises(StorageError, match="missing"):
            await folder.link("clip/1.gif", tmp_path / "drawn.gif")
        assert await folder.read("clip/1.gif") == b"drawn"

    async def test_what_cannot_be_linked_is_copied(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def other_disk(*_: object) -> None:
            raise OSError(errno.EXDEV, "another file system")

        monkeypatch.setattr("os.link", other_disk)
        folder = Folder(tmp_path / "objects")
        (tmp_path / "drawn.gif").write_bytes(b"drawn")
        await folder.link("clip/1.gif", tmp_path / "drawn.gif")
        assert await folder.read("clip/1.gif") == b"drawn"
        assert files_in(folder.path) == ["clip", "clip/1.gif"]

    async def test_an_unfinished_write_leaves_nothing(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path / "videos")
        with pytest.raises(StorageError, match="missing"):
            await folder.upload("clip.mp4", tmp_path / "none.mp4")
        with pytest.raises(StorageError, match="conflict"):
            await folder.write("clip.mp4", b"x", if_generation=7)
        assert files_in(folder.path) == []

    async def test_a_folder_in_the_place_of_an_object_is_no_object(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path / "videos")
        await folder.write("a/b", b"x")
        assert await folder.stat("a") is None
        with pytest.raises(StorageError):
            await folder.write("a/b/c", b"x")
        with pytest.raises(StorageError):
            await folder.write("a", b"x")
        assert await folder.read("a/b") == b"x"


class TestBucket:
    async def test_a_write_whose_answer_was_lost_is_its_own(self, server: StorageServer, google_storage: GoogleStorage) -> None:
        bucket = google_storage.bucket("videos")
        server.lost_answers = 1
        stored = await bucket.write(NAME, b"once", if_generation=0)
        assert stored.generation == await bucket.generation(NAME)
        assert sum(request.startswith("POST /upload") for request in server.requests) == 2

    async def test_a_write_that_somebody_else_did_first_stays_a_conflict(
        self, server: StorageServer, google_storage: GoogleStorage
    ) -> None:
        await server.put(f"gs://videos/{NAME}", b"else")
        with pytest.raises(StorageError, match="conflict"):
            await google_storage.bucket("videos").write(NAME, b"once", if_generation=0)

    async def test_a_download_that_is_cut_goes_on_where_it_was(
        self, server: StorageServer, google_storage: GoogleStorage, tmp_path: Path
    ) -> None:
        content = os.urandom(3 * MIB)
        await server.put("gs://videos/clip.mp4", content)
        server.cut_downloads = 1
        fetched = await google_storage.bucket("videos").fetch("clip.mp4", tmp_path, limit_bytes=4 * MIB)
        assert fetched.read_bytes() == content

    async def test_an_upload_that_the_service_forgets_in_the_middle_begins_again(
        self, server: StorageServer, google_storage: GoogleStorage, tmp_path: Path
    ) -> None:
        source = tmp_path / "source.mp4"
        source.write_bytes(os.urandom(9 * MIB))
        server.lost_sessions = 1
        await google_storage.bucket("videos").upload("clip.mp4", source)
        assert await google_storage.bucket("videos").read("clip.mp4") == source.read_bytes()
        server.lost_sessions = 100
        with pytest.raises(StorageError, match="broken-off"):
            await google_storage.bucket("videos").upload("clip.mp4", source)

    async def test_an_object_that_is_kept_compressed_is_read_as_it_was(
        self, server: StorageServer, google_storage: GoogleStorage, tmp_path: Path
    ) -> None:
        content = os.urandom(MIB) + b"\x00" * MIB
        await server.put("gs://videos/clip.mp4", content)
        server.gzipped.add("gs://videos/clip.mp4")
        bucket = google_storage.bucket("videos")
        assert await bucket.read("clip.mp4") == content
        with pytest.raises(StorageError, match="too-large"):
            await bucket.read("clip.mp4", limit_bytes=2 * MIB - 1)
        server.cut_downloads = 1
        assert (await bucket.fetch("clip.mp4", tmp_path, limit_bytes=2 * MIB)).read_bytes() == content

    async def test_an_answer_of_503_is_asked_again(self, server: StorageServer, google_storage: GoogleStorage) -> None:
        await server.put(f"gs://videos/{NAME}", b"x")
        server.failures = 1
        assert await google_storage.bucket("videos").read(NAME) == b"x"

    async def test_a_closed_bucket_says_so(self, server: StorageServer, google_storage: GoogleStorage, tmp_path: Path) -> None:
        server.denied = {"private"}
        bucket = google_storage.bucket("private")
        for action in (bucket.stat(NAME), bucket.read(NAME), bucket.write(NAME, b""), bucket.delete(NAME)):
            with pytest.raises(StorageError) as raised:
                await action
            assert raised.value.reason == "permission"

    async def test_a_bucket_that_is_not_there_is_missing(self, google_storage: GoogleStorage) -> None:
        with pytest.raises(StorageError, match="bucket-missing"):
            await google_storage.bucket("no-such-bucket").write(NAME, b"")

    async def test_a_cancelled_transfer_stops_and_leaves_no_file(
        self, server: StorageServer, google_storage: GoogleStorage, tmp_path: Path
    ) -> None:
        await server.put("gs://videos/clip.mp4", b"\x00" * MIB)
        server.stalls_downloads = True
        fetching = asyncio.create_task(google_storage.bucket("videos").fetch("clip.mp4", tmp_path, limit_bytes=2 * MIB))
        await server.stalled.wait()
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        assert files_in(tmp_path) == []
        server.ends.set()

    async def test_its_threads_end_with_it(self, server: StorageServer) -> None:
        google = GoogleStorage()
        await google.bucket("videos").stat(NAME)
        await google.close()
        ours = [thread for thread in threading.enumerate() if thread.name.startswith("storage")]
        for thread in ours:
            thread.join(timeout=10)
        assert not any(thread.is_alive() for thread in ours)


class TestAccess:
    @pytest.fixture
    async def access(self, server: StorageServer) -> AsyncIterator[BucketAccess]:
        """A bot that has a token, which the private bucket wants."""
        server.closed = {"private", "videos"}
        for bucket in ("private", "public", "videos"):
            await server.put(f"gs://{bucket}/clip.mp4", bucket.encode())
        google_storage = GoogleStorage(Credentials("token"))  # type: ignore[no-untyped-call]  # untyped library
        yield BucketAccess(google_storage, allowed=["videos"])
        await google_storage.close()

    async def test_a_bucket_that_is_open_to_everybody_is_read_without_credentials(
        self, access: BucketAccess, server: StorageServer
    ) -> None:
        bucket, name = await access.source("gs://public/clip.mp4")
        assert await bucket.read(name) == b"public"

    @pytest.mark.parametrize("uri", ["gs://private/clip.mp4", "gs://public/none.mp4", "gs://no-such-bucket/clip.mp4"])
    async def test_what_not_everybody_can_read_is_refused(self, access: BucketAccess, uri: str) -> None:
        with pytest.raises(SourceRefused) as raised:
            await access.source(uri)
        assert raised.value.reason == "bucket"

    async def test_an_allowed_bucket_is_taken_as_it_is(self, access: BucketAccess) -> None:
        bucket, name = await access.source("gs://videos/clip.mp4")
        assert (bucket.name, name) == ("videos", "clip.mp4")

    async def test_only_what_everybody_can_list_is_watched(self, access: BucketAccess) -> None:
        assert await access.watched("gs://public/new/") == ObjectUri("public", "new/")
        assert await access.watched("gs://videos") == ObjectUri("videos", "")
        for uri in ("gs://private", "gs://private/new/", "gs://public/*", "s3://public", "gs://P", "gs://public/../x"):
            with pytest.raises(SourceRefused):
                await access.watched(uri)


async def test_without_credentials_a_bucket_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    google = GoogleStorage()
    with pytest.raises(StorageError) as raised:
        await google.bucket("videos").stat(NAME)
    assert (raised.value.reason, raised.value.subject) == ("key-file-missing", "none.json")
    await google.close()


async def test_a_root_is_a_bucket_by_its_name_and_a_folder_by_its_path(tmp_path: Path, google_storage: GoogleStorage) -> None:
    for setting in ("videos", "gs://videos", "gs://videos/"):
        root = open_root(setting, google=google_storage, option="video_bucket")
        assert isinstance(root, Bucket)
        assert root.name == "videos"
    folder = open_root(str(tmp_path / "My Videos"), google=google_storage, option="video_bucket")
    assert isinstance(folder, Folder)
    for wrong in ("", "gs://", "gs://videos/prefix", "Videos", "/"):
        with pytest.raises(OptionError):
            open_root(wrong, google=google_storage, option="video_bucket")
