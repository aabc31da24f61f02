"""
Whether another recording follows the one that FFmpeg reads of a file.

Files that are joined end to end (`cat`, a recorder that appends) are read whole only in containers made for it. Of the others
FFmpeg reads the first and says nothing; the head of the next is looked for behind what was read. Sources: ISO/IEC 14496-12
(ftyp); Adobe Flash Video File Format 10.1, annex E.2; Advanced Systems Format, 3.1; the IVF of libvpx; the NUT specification.
"""

from __future__ import annotations

from pathlib import Path

from tracking.mp4_tables import file_heads

CHUNK_BYTES = 1 << 20

# By the container's name in FFmpeg; a FLV says in its fifth byte what it holds.
HEADS = {
    "flv": (b"FLV\1\1\0\0\0\x09", b"FLV\1\4\0\0\0\x09", b"FLV\1\5\0\0\0\x09"),
    "asf": (bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),),
    "ivf": (b"DKIF\0\0\x20\0",),
    "nut": (b"nut/multimedia container\0",),
}


def next_recording(path: Path, names: set[str], read_to: int) -> int | None:
    """
    Return where the head of another recording lies at or behind `read_to`; None where none is known.

    `names` are those of the container. Raises `OSError`.
    """
    if "mp4" in names:
        return next((place for place in file_heads(path) if place >= read_to and place), None)
    heads = [head for name in names for head in HEADS.get(name, ())]
    if not heads:
        return None
    longest = max(len(head) for head in heads)
    with path.open("rb") as file:
        place = max(read_to, 1)  # the file's own head is at 0
        file.seek(place)
        kept = b""
        while chunk := file.read(CHUNK_BYTES):
            data = kept + chunk
            found = [at for head in heads if (at := data.find(head)) >= 0]
            if found:
                return place - len(kept) + min(found)
            place += len(chunk)
            kept = data[-longest:]
    return None
