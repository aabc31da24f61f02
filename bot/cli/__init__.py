"""The command line: `tracklet ...`."""

from __future__ import annotations

import os
import signal
from types import FrameType

from bot.texts.stopped import STOPPED


def main() -> None:
    """Run a command. Ctrl-C is one line and status 130 from the first moment on, also while libraries are being loaded."""
    # Nothing has been begun yet, and an exception could be swallowed, or told, by whatever is being imported.
    signal.signal(signal.SIGINT, _stop_at_once)
    from bot.cli.commands import main as run

    run()


def _stop_at_once(number: int, frame: FrameType | None) -> None:
    os.write(2, f"{STOPPED}\n".encode())
    os._exit(130)
