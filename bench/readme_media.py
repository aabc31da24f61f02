"""The README's pictures, made by the program itself from the sample clip: `make readme-media`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from rendering.render import render
from sample import sample_clip
from tracking.engines.local import MotionEngine

MEDIA = Path(__file__).resolve().parents[1] / "docs/media"


def main() -> None:
    """Tracks the sample clip by motion, draws it, and keeps the summary and the GIF of the most telling object."""
    with tempfile.TemporaryDirectory() as folder:
        clip = sample_clip(Path(folder))
        rendered = render(clip, MotionEngine().track(clip), Path(folder) / "out", name=clip.name)
        MEDIA.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(rendered.pages[0].path, MEDIA / "sample-summary.jpeg")
        smallest = min(rendered.animations[:6], key=lambda animation: animation.size_bytes)
        shutil.copyfile(smallest.path, MEDIA / "sample-object.gif")
        print(f"{MEDIA / 'sample-summary.jpeg'}\n{MEDIA / 'sample-object.gif'}")


if __name__ == "__main__":
    main()
