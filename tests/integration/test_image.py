"""The image's own steps, tried in a plain virtual environment: there is no container engine everywhere."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
UV = os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".tools/bin/uv")


def steps() -> list[tuple[str, list[str]]]:
    """COPY and `RUN uv` of the first stage, in order."""
    stage = DOCKERFILE.split("\nFROM")[1]
    return [(kind, words.split()) for kind, words in re.findall(r"^(COPY|RUN) (.+)$", stage, re.MULTILINE)]


@pytest.mark.skipif(not Path(UV).exists(), reason="uv is not here: run the tests by `make test`")
def test_the_image_s_steps_give_a_tracklet_with_its_page_and_font(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "VIRTUAL_ENV", "PYTHON"))}
    environment = clean | {"UV_PYTHON_DOWNLOADS": "never", "UV_PROJECT_ENVIRONMENT": str(tmp_path / ".venv")}
    for kind, words in steps():
        if kind == "COPY":
            for name in words[:-1]:
                source = ROOT / name
                if source.is_dir():
                    shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copyfile(source, tmp_path / name)
        elif words[0] == "uv":
            subprocess.run([UV, *words[1:]], cwd=tmp_path, env=environment, check=True, capture_output=True)
    installed = tmp_path / ".venv"
    said = subprocess.run(
        [installed / "bin/tracklet", "--version"],
        cwd=tmp_path / "tracking",
        env=clean,
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout.startswith("tracklet, version")
    (package,) = installed.glob("lib/python3.*/site-packages/bot")
    assert (package.parent / "playground/static/index.html").is_file()
    assert list(package.parent.glob("fontpkg_noto_sans/files/*.ttf"))
    assert not (package.parent / "pytest").exists()


def test_the_image_runs_as_nobody_s_root_and_serves_by_default() -> None:
    last = DOCKERFILE.rsplit("\nFROM", 1)[1]
    assert re.search(r"^USER 10001$", last, re.MULTILINE)
    assert re.search(r'^CMD \["serve"\]$', last, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", last, re.MULTILINE)


def test_what_is_fetched_once_lies_in_the_volume() -> None:
    last = DOCKERFILE.rsplit("\nFROM", 1)[1]
    settings = dict(re.findall(r"(\w+)=(\S+)", " ".join(re.findall(r"^ENV (.*)$", last, re.MULTILINE))))
    assert re.search(rf"^VOLUME {settings['TRACKLET_DATA_DIR']}$", last, re.MULTILINE)
    script = "from tracking.local import weights; print(weights._cache())"
    said = subprocess.run([sys.executable, "-c", script], env=os.environ | settings, capture_output=True, text=True, check=True)
    assert said.stdout.startswith(settings["TRACKLET_DATA_DIR"] + "/")
