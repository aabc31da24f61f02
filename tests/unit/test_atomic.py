"""`tracking/atomic.py`: a file is whole or not there, and what a killed writer leaves is told by its name."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest

from tracking.atomic import is_unfinished, unfinished, write_whole
from tracking.errors import StorageError


def test_a_file_and_its_folder_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "new" / "clip.mp4.json"
    write_whole(target, b"first")
    write_whole(target, b"second")
    assert target.read_bytes() == b"second"
    assert list(tmp_path.rglob("*")) == [target.parent, target]


def test_what_stood_there_stays_where_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "clip.mp4.json"
    target.write_bytes(b"before")
    with contextlib.suppress(RuntimeError), unfinished(target) as aside:
        aside.write_bytes(b"half of wh")
        raise RuntimeError
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_target_that_cannot_be_written_is_a_storage_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError) as caught:
        write_whole(tmp_path / "file" / "clip.mp4.json", b"")
    assert caught.value.place == "clip.mp4.json"
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError):
        write_whole(tmp_path / "folder", b"a folder is no file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_the_longest_name_that_a_file_system_takes_can_be_written(tmp_path: Path) -> None:
    target = tmp_path / ("ü" * 125 + ".json")
    write_whole(target, b"content")
    assert target.read_bytes() == b"content"


def test_writers_of_one_target_do_not_meet(tmp_path: Path) -> None:
    target = tmp_path / "clip.mp4.json"
    contents = [bytes([number]) * 200_000 for number in range(8)]
    started = threading.Barrier(len(contents))

    def write(content: bytes) -> None:
        started.wait()
        write_whole(target, content)

    threads = [threading.Thread(target=write, args=[content]) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert target.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_writer_leaves_is_told_by_its_name(tmp_path: Path) -> None:
    with unfinished(tmp_path / "clip.mp4") as aside:
        assert is_unfinished(aside)
    assert is_unfinished(tmp_path / ".clip.mp4.part")  # version 0.1
    assert not is_unfinished(tmp_path / "clip.mp4")
    assert not is_unfinished(tmp_path / "clip.part")
    assert not is_unfinished(tmp_path / ".hidden")
