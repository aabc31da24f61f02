"""The command line: real files in, real files out, an exit status and a sentence for whatever goes wrong."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bot.jobs.tasks import probe_task
from bot.texts.stopped import STOPPED
from tests import clips
from tests.clips import RED, Clip, Mover, Scene, draw_clip
from tests.integration.command import Run, files
from tests.tiny_yolox import tiny_yolox
from tracking.errors import VideoTooLong
from tracking.formats import video_intelligence
from tracking.model import Annotations, Track

SCENE = Scene(
    (
        Mover("red", RED, (0.14, 0.19), ((0.0, 0.25, 0.35), (2.0, 0.75, 0.35))),
        Mover("green", (20, 230, 30), (0.14, 0.19), ((0.0, 0.75, 0.7), (2.0, 0.25, 0.7))),
    )
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_yolox(tmp_path_factory.mktemp("m") / "tiny.onnx", side=160, box=(80, 80), names="['red', 'green']")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return draw_clip(tmp_path_factory.mktemp("c") / "two movers.mp4", SCENE, fps=15)


def test_track_writes_annotations_a_summary_and_a_gif_of_each_object(run: Run, clip: Clip, model: Path, tmp_path: Path) -> None:
    status, out, _ = run("track", clip.path, "--out", tmp_path / "out", "--model", model)
    assert status == 0
    names = files(tmp_path / "out")
    assert "two movers.mp4.json" in names
    assert "two movers.mp4.summary_pct70_fr10.jpeg" in names
    gifs = [name for name in names if name.endswith(".gif")]
    assert [name.split("_")[0] for name in gifs] == ["two movers.mp4.000", "two movers.mp4.001"]
    assert {name.split("_")[1] for name in gifs} == {"red", "green"}
    assert "2 objects found: 1 green, 1 red." in out
    with Image.open(tmp_path / "out" / gifs[0]) as gif:
        assert getattr(gif, "n_frames", 1) > 5
    found = video_intelligence.read(tmp_path / "out" / "two movers.mp4.json")
    assert {track.label for track in found.tracks} == {"red", "green"}


def test_json_is_the_only_thing_on_stdout_and_names_what_was_written(run: Run, clip: Clip, model: Path, tmp_path: Path) -> None:
    status, out, _ = run("track", clip.path, "--out", "out", "--model", model, "--json", "--engine", "yolox", "--labels", "Red")
    result = json.loads(out)
    assert status == 0
    assert [(each["label"], each["number"]) for each in result["objects"]] == [("red", 1)]
    for path in (result["annotations"], *result["summary"], result["objects"][0]["animation"]):
        assert Path(path).is_file()
    assert result["engine"] == "yolox"


def test_render_draws_annotations_from_anywhere(run: Run, clip: Clip, tmp_path: Path) -> None:
    given = tmp_path / "given.json"
    given.write_bytes(video_intelligence.write(clip.annotations()))
    status, _, _ = run("render", clip.path, given, "--out", "out", "--min-frames", "5", "--min-confidence", "60%")
    assert status == 0
    assert "two movers.mp4.summary_pct60_fr5.jpeg" in files(tmp_path / "out")
    assert "two movers.mp4.json" not in files(tmp_path / "out")


def test_a_segment_alone_is_drawn(run: Run, clip: Clip, tmp_path: Path) -> None:
    given = tmp_path / "given.json"
    given.write_bytes(video_intelligence.write(clip.annotations()))
    _, out, _ = run("render", clip.path, given, "--out", "out", "--segment", "0:00.5-0:01.5", "--json", "--min-frames", "1")
    for each in json.loads(out)["objects"]:
        assert 0.5 <= each["start_s"] <= each["end_s"] <= 1.5


def test_nothing_that_passes_is_an_answer_with_its_near_misses(run: Run, clip: Clip, tmp_path: Path) -> None:
    given = tmp_path / "given.json"
    given.write_bytes(video_intelligence.write(clip.annotations()))
    status, out, _ = run("render", clip.path, given, "--out", "out", "--min-confidence", "0.95")
    assert status == 0
    assert "No object passes the limits (95%, 0.67 s). Close: " in out
    assert "1 red (90%, 2 s)" in out
    assert not (tmp_path / "out").exists()


def test_a_label_that_is_not_there_is_told_with_those_that_are(run: Run, clip: Clip, tmp_path: Path) -> None:
    given = tmp_path / "given.json"
    given.write_bytes(video_intelligence.write(clip.annotations()))
    status, out, _ = run("render", clip.path, given, "--out", "out", "--labels", "zebra")
    assert status == 0
    assert "Nothing is labelled zebra. There is: green and red." in out


@pytest.fixture(params=["text", "empty", "audio", "nowhere", "folder", "playlist"])
def no_video(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    match request.param:
        case "text":
            yield clips.text_as_video(tmp_path)
        case "empty":
            yield clips.empty_file(tmp_path)
        case "audio":
            yield clips.audio_only(tmp_path)
        case "nowhere":
            yield tmp_path / "nowhere.mp4"
        case "playlist":
            playlist = tmp_path / "list.mp4"
            playlist.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n")
            yield playlist
        case _:
            yield tmp_path


def test_what_is_no_video_gets_one_sentence_and_status_2(run: Run, no_video: Path, model: Path, tmp_path: Path) -> None:
    status, out, err = run("track", no_video, "--out", tmp_path / "out", "--model", model)
    assert (status, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert err.strip().endswith(".")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("text", ["", "{}", "[]", "no json", '{"annotation_results": 3}'])
def test_annotations_at_fault_get_one_sentence_and_status_2(run: Run, clip: Clip, text: str, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text(text)
    status, out, err = run("render", clip.path, "given.json", "--out", "out")
    assert (status, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--segment", "0:30-0:10"),
        ("--segment", "soon"),
        ("--min-confidence", "1.5"),
        ("--min-confidence", "nan"),
        ("--min-frames", "0"),
        ("--engine", "magic"),
        ("--model", "huge", "--engine", "yolox"),
        ("--model", "nowhere.onnx"),
        ("--nonsense",),
    ],
)
def test_an_option_at_fault_gets_one_sentence_and_status_2(
    run: Run, clip: Clip, options: tuple[str, ...], tmp_path: Path
) -> None:
    status, out, err = run("track", clip.path, "--out", "out", *options)
    assert (status, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("engine", ["motion", "yolox", "auto"])
def test_an_engine_is_asked_for_by_its_name(run: Run, clip: Clip, model: Path, engine: str) -> None:
    status, out, _ = run("track", clip.path, "--out", "out", "--engine", engine, "--model", model, "--json")
    assert status == 0
    assert json.loads(out)["engine"] == ("motion" if engine == "motion" else "yolox")


def test_an_environment_at_fault_names_the_variable_and_no_secret(
    run: Run, clip: Clip, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRACKLET_MAX_VIDEO_SECONDS", "long")
    status, _, err = run("track", clip.path, "--out", "out")
    assert status == 2
    assert "TRACKLET_MAX_VIDEO_SECONDS" in err


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("TRACKLET_HTTP_PORT", "abc", "TRACKLET_HTTP_PORT can't be abc: it must be a whole number."),
        ("TRACKLET_HTTP_PORT", "70000", "TRACKLET_HTTP_PORT can't be 70000: it must be 65535 or less."),
        ("TRACKLET_CHILDREN", "-1", "TRACKLET_CHILDREN can't be -1: it must be 0 or more."),
        ("TRACKLET_MAX_VIDEO_SECONDS", "long", "TRACKLET_MAX_VIDEO_SECONDS can't be long: it must be a number."),
        ("TRACKLET_MAX_VIDEO_BYTES", "0", "TRACKLET_MAX_VIDEO_BYTES can't be 0: it must be more than 0."),
        ("TRACKLET_ENGINE", "yolo", "TRACKLET_ENGINE can't be yolo: it must be auto, yolox, motion or google."),
    ],
)
def test_what_a_setting_must_be_is_said_in_plain_words(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)
    status, _, err = run("serve")
    assert (status, err.strip()) == (2, told)


def test_a_label_that_no_font_can_write_is_told(run: Run, clip: Clip, tmp_path: Path) -> None:
    odd = "\U00012000\U00012001"  # cuneiform, which Noto Sans leaves to a font of its own
    times, boxes = np.arange(20) / 15, np.full((20, 4), [0.1, 0.1, 0.5, 0.5], np.float32)
    given = Annotations((Track(0, odd, 0.9, times, boxes), Track(1, "dog", 0.9, times, boxes)))
    (tmp_path / "given.json").write_bytes(video_intelligence.write(given))
    status, out, _ = run("render", clip.path, "given.json", "--out", "out")
    assert status == 0
    assert f"No font here can write all of {odd}; the pictures show" in out
    _, out, _ = run("render", clip.path, "given.json", "--out", "out", "--json")
    assert json.loads(out)["labels_not_written"] == [odd]


def test_a_misspelt_variable_is_told_with_the_nearest_setting_and_without_its_value(
    run: Run, clip: Clip, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "given.json").write_bytes(video_intelligence.write(clip.annotations()))
    monkeypatch.setenv("TRACKLET_TRIGER_TOKEN", "a-secret")
    monkeypatch.setenv("TRACKLET_XYZ", "a-secret")
    status, _, err = run("render", clip.path, "given.json", "--out", "out")
    assert status == 0
    assert err.splitlines()[:2] == [
        "TRACKLET_TRIGER_TOKEN is not a setting, so it has no effect. Did you mean TRACKLET_TRIGGER_TOKEN?",
        "TRACKLET_XYZ is not a setting, so it has no effect.",
    ]
    assert "a-secret" not in err


def test_limits_of_the_environment_hold(run: Run, clip: Clip, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKLET_MAX_VIDEO_SECONDS", "1")
    status, _, err = run("track", clip.path, "--out", "out", "--model", model)
    assert status == 2
    assert "I can track up to 1 s" in err


@pytest.mark.parametrize("folder", ["taken", "taken/out", "x" * 300])
def test_a_folder_that_cannot_be_made_is_noticed_before_the_tracking(
    run: Run, clip: Clip, model: Path, folder: str, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    status, _, err = run("track", clip.path, "--out", folder, "--model", model)
    assert status == 2
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("--out")


def test_a_font_that_is_none_is_noticed_before_the_tracking(
    run: Run, clip: Clip, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKLET_FONT", str(model))
    status, _, err = run("track", clip.path, "--out", "out", "--model", model)
    assert status == 2
    assert len(err.strip().splitlines()) == 1
    assert not Path("out").exists()


def test_a_model_that_was_asked_for_and_cannot_be_had_is_not_replaced_by_motion(
    run: Run, clip: Clip, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "cache").write_text("a file where the model's folder would be")
    status, _, err = run("track", clip.path, "--out", "out", "--model", "s")
    assert status == 1
    assert "The local detector" in err
    assert not Path("out").exists()


def test_annotations_of_a_longer_video_are_asked_about(run: Run, clip: Clip, tmp_path: Path) -> None:
    late = Track(0, "dog", 0.9, np.arange(20) / 10 + 100, np.full((20, 4), [0.1, 0.1, 0.5, 0.5], np.float32))
    (tmp_path / "given.json").write_bytes(video_intelligence.write(Annotations((late,))))
    status, out, _ = run("render", clip.path, "given.json", "--out", "out")
    assert status == 0
    assert "The annotations reach 1:41, but the video ends at 0:02" in out


def test_pictures_of_an_earlier_run_are_told_of(run: Run, clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_bytes(video_intelligence.write(clip.annotations()))
    run("render", clip.path, "given.json", "--out", "out", "--min-confidence", "0.6")
    _, out, _ = run("render", clip.path, "given.json", "--out", "out")
    assert "1 older picture of this video stayed" in out


def test_the_hint_names_thresholds_that_show_the_closest_object(run: Run, clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_bytes(video_intelligence.write(clip.annotations()))
    given = ("render", clip.path, "given.json", "--out", "out")
    _, out, _ = run(*given, "--min-confidence", "0.95", "--min-frames", "99")
    hint = next(line for line in out.splitlines() if line.startswith("To see")).partition(": ")[2]
    _, out, _ = run(*given, *hint.split())
    assert "found" in out


def test_a_reader_that_leaves_early_is_no_failure(clip: Clip, tmp_path: Path) -> None:
    (tmp_path / "given.json").write_bytes(video_intelligence.write(clip.annotations()))
    command = [
        sys.executable,
        "-m",
        "bot",
        "render",
        str(clip.path),
        str(tmp_path / "given.json"),
        "--out",
        str(tmp_path / "out"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0
    assert "Traceback" not in said


def test_a_name_that_is_no_text_comes_out_as_json(run: Run, clip: Clip, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"odd-\xff.mp4")
    odd.write_bytes(clip.path.read_bytes())
    (tmp_path / "given.json").write_bytes(video_intelligence.write(clip.annotations()))
    status, out, _ = run("render", odd, "given.json", "--out", "out", "--json")
    assert status == 0
    assert json.loads(out)["objects"]


def test_a_stop_ends_the_work_and_leaves_nothing_half_made(model: Path, tmp_path: Path) -> None:
    long = draw_clip(tmp_path / "long.mp4", fps=30, duration_s=20.0)
    command = [sys.executable, "-m", "bot", "track", str(long.path), "--out", str(tmp_path / "out"), "--model", str(model)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("tracking"):
                process.send_signal(signal.SIGINT)
                break
        said = process.stderr.read()
    assert process.returncode == 130
    assert "Cancelled." in said
    assert "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_doctor_looks_at_this_machine_and_says_what_to_do(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKLET_MODEL", str(model))
    status, out, _ = run("doctor")
    assert status == 1
    assert "tiny.onnx recognises 2 kinds of objects." in out
    assert "Latin, Greek, Cyrillic" in out
    assert not Path("data").exists()
    told = {line.split()[1]: line.split()[0] for line in out.splitlines()}
    assert told == {"codecs": "ok", "font": "ok", "data": "--", "database": "--", "model": "ok", "slack": "no"}
    monkeypatch.setenv("TRACKLET_FONT", str(model))
    monkeypatch.setenv("TRACKLET_MODEL", "nowhere.onnx")
    status, out, _ = run("doctor")
    assert status == 1
    assert {line.split()[1] for line in out.splitlines() if line.startswith("no")} == {"font", "model", "slack"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "an empty name"),
        ("-", "standard input"),
        ("https://host.example/clip.mp4?signature=secret", "https://host.example/clip.mp4 is an address"),
        (".", ". is a folder"),
        ("pipe", "pipe is no ordinary file"),
        ("nothing.mp4", "There is no file nothing.mp4"),
    ],
)
@pytest.mark.parametrize("place", ["video", "annotations"])
def test_what_is_no_file_of_this_machine_is_told_as_what_it_is(run: Run, clip: Clip, place: str, given: str, said: str) -> None:
    os.mkfifo("pipe")
    names = (given, "b.json") if place == "video" else (clip.path, given)
    status, out, err = run("render", *names, "--out", "out")
    assert (status, out) == (2, "")
    assert said in err
    assert "secret" not in err
    assert err.count("\n") == 1
    assert not Path("out").exists()


def test_an_annotation_file_that_says_something_else_is_never_overwritten(run: Run, clip: Clip, model: Path) -> None:
    theirs = Path("out/two movers.mp4.json")
    theirs.parent.mkdir()
    theirs.write_text('{"annotation_results": []}')
    made = []
    for segment in ("0-2", "0-2", "0-1"):
        status, out, _ = run("track", clip.path, "--out", "out", "--model", model, "--segment", segment, "--json")
        assert status == 0
        made.append(json.loads(out)["annotations"])
    _, _, err = run("track", clip.path, "--out", "out", "--model", model, "--segment", "0-2")
    assert f"so it stayed; this run's annotations are in {Path(made[0]).name}." in err
    assert theirs.read_text() == '{"annotation_results": []}'
    assert made[0] == made[1] != made[2]
    assert all(len(video_intelligence.read(Path(path)).tracks) == 2 for path in made)
    assert sorted(name for name in files(Path("out")) if name.endswith(".json")) == sorted(
        {theirs.name, *(Path(path).name for path in made)}
    )


def test_the_same_run_again_keeps_its_name(run: Run, clip: Clip, model: Path) -> None:
    for _ in range(2):
        run("track", clip.path, "--out", "out", "--model", model)
    assert [name for name in files(Path("out")) if name.endswith(".json")] == ["two movers.mp4.json"]


def test_a_stretch_behind_the_end_is_refused_when_drawing_as_when_tracking(run: Run, clip: Clip, model: Path) -> None:
    run("track", clip.path, "--out", "out", "--model", model)
    for command in (("track", clip.path, "--model", model), ("render", clip.path, "out/two movers.mp4.json")):
        status, _, err = run(*command, "--out", "late", "--segment", "10-20")
        assert status == 2
        assert "0:10" in err
        assert not Path("late").exists()


def test_a_stop_while_libraries_are_loaded_is_one_line() -> None:
    script = (
        "import os, signal, sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'bot.cli.commands': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from bot.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", f"{STOPPED}\n")


def test_of_a_video_beyond_the_limit_a_stretch_within_it_is_enough(
    run: Run, clip: Clip, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKLET_MAX_VIDEO_SECONDS", "1")
    command = ("track", clip.path, "--out", "out", "--model", model, "--min-frames", "1")
    for too_long in ((), ("--segment", "0-1.5")):
        status, _, err = run(*command, *too_long)
        assert status == 2
        assert "give me a start and an end" in err
    status, out, _ = run(*command, "--segment", "0.5-1.5")
    assert status == 0
    assert "2 objects found: 1 red, 1 green." in out
    arguments = {"video": str(clip.path), "max_video_bytes": 1 << 30, "max_video_seconds": 1.0}
    assert probe_task(arguments | {"segment": [0.5, 1.5]}, lambda done, total: None)["duration_s"] == pytest.approx(
        2.0, abs=0.1
    )
    with pytest.raises(VideoTooLong):
        probe_task(arguments | {"segment": None}, lambda done, total: None)
