"""Files as disks and networks leave them."""

from pathlib import Path

import av

from tracking.video.damage import HOLE


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def with_hole(path: Path, number: int) -> None:
    """Write zeros over the middle of a packet, as a block of a disk that was never written."""
    data, packet = path.read_bytes(), packets_of(path)[number]
    assert data.count(packet) == 1
    start, length = len(packet) // 4, max(len(packet) // 2, len(HOLE) + 8)
    holed = packet[:start] + bytes(length) + packet[start + length :]
    path.write_bytes(data.replace(packet, holed[: len(packet)]))
