"""
A child that only pretends to work, quickly: files are written aside and renamed as real ones are, and it can be killed.

Speaks as `bot/jobs/processes.py` wants it, and imports next to nothing, so that hundreds of them cost little. Its pictures are
the smallest there are.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

Json = dict[str, Any]

OBJECTS = 12
PAUSE_S = 0.08
GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")
LABELS = ("person", "car", "dog")


def write(path: str, content: bytes) -> str:
    """Write a file as Tracklet does: aside, then renamed."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".tracklet-{secrets.token_hex(8)}")
    with aside.open("wb") as file:
        file.write(content[:10])
        file.flush()
        time.sleep(PAUSE_S)
        file.write(content[10:])
    aside.replace(target)
    return path


def probe(_: Json) -> Json:
    return {"width": 320, "height": 240, "duration_s": 12.0, "is_drawn": False}


def choose(_: Json) -> Json:
    return {"engine": "motion", "why": "asked", "model": "", "detector": "", "run_key": "canned"}


def track(arguments: Json) -> Json:
    write(arguments["annotations"], b'{"annotation_results": []}')
    return {"tracks": OBJECTS}


def summary(arguments: Json) -> Json:
    known = {told["track_id"]: told["number"] for each in arguments["numbered"] for told in each["objects"]}
    objects = [
        {
            "number": known.get(place, place + 1),
            "label": LABELS[place % 3],
            "confidence": 0.9,
            "start_s": float(place),
            "end_s": place + 2.5,
            "frames": 25,
            "entity_id": "",
            "track_id": place,
        }
        for place in range(OBJECTS)
    ]
    path = write(f"{arguments['out']}/{arguments['name']}.summary_p{arguments['page']}.jpeg", GIF)
    pages = [{"path": path, "objects": [each["number"] for each in objects], "width": 1, "height": 1}]
    lowest = {"min_confidence": 0.0, "min_frames": 0}
    return {"pages": pages, "objects": objects, "near_misses": [], "near_miss_count": 0, "lowest": lowest, "step_s": 0.1}


def animations(arguments: Json) -> Json:
    made = []
    for number in arguments["numbers"]:
        path = write(f"{arguments['out']}/{arguments['name']}.{number - 1:03}.gif", GIF)
        made.append({"path": path, "object": number, "size_bytes": len(GIF)})
    return {"animations": made}


def main(task: str) -> None:
    """Read the arguments, tell of progress, answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    arguments = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for done in range(3):
        os.write(1, json.dumps({"progress": [done, 3]}).encode() + b"\n")
        time.sleep(PAUSE_S)
    try:
        answer = {"result": TASKS[task](arguments)}
    except OSError as error:
        full = {
            "kind": "StorageError",
            "facts": {"place": "disk", "action": "write", "reason": "full", "detail": "", "subject": ""},
        }
        answer = {"error": full if error.errno in (28, 122) else {"kind": "Unforeseen", "facts": {}}}
    os.write(1, json.dumps(answer).encode() + b"\n")
    os._exit(0)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


TASKS = {"probe": probe, "choose": choose, "track": track, "summary": summary, "animations": animations}

if __name__ == "__main__":
    main(sys.argv[1])
