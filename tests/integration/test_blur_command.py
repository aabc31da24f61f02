"""`--blur` on the command line: what it takes, what it makes, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clips import Clip, draw_clip
from tests.integration.command import Run
from tracking.formats import video_intelligence


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """A clip of a blue, a red and a green object, with its annotations beside it."""
    made = draw_clip(tmp_path_factory.mktemp("blur") / "clip.mp4")
    made.path.with_name("clip.json").write_bytes(video_intelligence.write(made.annotations()))
    return made


@pytest.mark.parametrize(
    ("words", "number"),
    [("red", 1), ("RED, green", 2), ("1", 1), ("everything", 3), ("everything-but 1", 2), ("all-but:red", 2), ("2, blue", 2)],
)
def test_labels_and_numbers_are_blurred_in_a_video_of_their_own_name(
    run: Run, clip: Clip, tmp_path: Path, words: str, number: int
) -> None:
    out = tmp_path / "out"
    status, told, _ = run("render", clip.path, clip.path.with_name("clip.json"), "--out", out, "--blur", words)
    assert status == 0
    assert [path.name for path in out.iterdir()] == ["clip.mp4.blurred.mp4"]
    objects = "1 object is" if number == 1 else f"{number} objects are"
    assert f"In the video {objects} blurred. What was not found is not." in told


def test_other_pictures_are_not_blurred_and_it_says_so(run: Run, clip: Clip, tmp_path: Path) -> None:
    files = (clip.path, clip.path.with_name("clip.json"))
    _, told, _ = run("render", *files, "--out", tmp_path, "--blur", "red", "--make", "summary")
    assert "What was not found is not, and other pictures are not." in told


def test_nothing_to_blur_makes_no_video(run: Run, clip: Clip, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status, told, _ = run("render", clip.path, clip.path.with_name("clip.json"), "--out", out, "--blur", "cow")
    assert status == 0
    assert "Nothing is blurred, and no video was written" in told
    assert not list(out.glob("*"))


@pytest.mark.parametrize("words", ["", ",", "everything-but", " : "])
def test_words_that_name_nothing_are_refused(run: Run, clip: Clip, tmp_path: Path, words: str) -> None:
    status, _, err = run("render", clip.path, clip.path.with_name("clip.json"), "--out", tmp_path / "out", "--blur", words)
    assert status == 2
    assert "say what to blur" in err
    assert not (tmp_path / "out").exists()
