"""
One trial of the fuzz: make the file of a number, and do to it what Tracklet does.

What a trial gives is the name of an error of ours, or "read"; anything else that is raised is a finding.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path

from multidict import CIMultiDict

from bot.requests import errors, grammar, links
from bot.slack import messages
from bot.texts import errors as sentences
from bot.web import storage_events
from rendering.selection import Selection, select
from sample import is_sample
from tests.fuzz import seeds
from tests.fuzz.mutations import changed_json, mutated_annotations, mutated_text, mutated_tracks, mutated_video
from tracking.errors import AnnotationError, TrackletError
from tracking.formats import pieces, video_intelligence
from tracking.formats.base import FORMATS
from tracking.model import Segment
from tracking.video.file import Video

FIRST_FRAMES = 5

Trial = Callable[[int], str]


def content_of(kind: str, number: int, sources: list[bytes]) -> bytes:
    """The mutated file of a number; the same number makes the same file from the same seeds."""
    chance = random.Random(f"{kind} {number}")
    return mutated_video(chance, sources) if kind == "video" else mutated_annotations(chance, sources)


class Trials:
    """The trials of one process; its files lie in `folder`."""

    def __init__(self, seed_folder: Path, folder: Path) -> None:
        self._videos = seeds.video_seeds(seed_folder)
        self._annotations = seeds.annotation_seeds()
        self._tracks = seeds.track_seeds()
        self._file = folder / "trial.bin"
        self.kinds: dict[str, Trial] = {
            "video": self.video,
            "annotations": self.annotations,
            "tracks": self.tracks,
            "requests": self.requests,
            "events": self.events,
        }

    def video(self, number: int) -> str:
        """Open, examine, read the index, decode the first frames and some of the second half, and go to some times twice."""
        self._file.write_bytes(content_of("video", number, self._videos))
        try:
            is_sample(self._file)
            with Video(self._file) as video:
                for frame in itertools.islice(video.frames(), FIRST_FRAMES):
                    frame.pixels()
                half = Segment(video.info.duration_s / 2, video.info.duration_s)
                for frame in itertools.islice(video.frames(segment=half, rate_hz=5.0), FIRST_FRAMES):
                    frame.pixels((32, 24))
                times = [0.0, video.info.duration_s / 3, video.info.duration_s * 0.9]
                for _ in range(2):
                    for _, frame in video.frames_at(times):
                        frame.pixels((32, 24))
        except (TrackletError, MemoryError) as error:
            return type(error).__name__
        return "read"

    def annotations(self, number: int) -> str:
        """Read, choose what is shown, write and read again; read in pieces, a file says the same."""
        data = content_of("annotations", number, self._annotations)
        try:
            found = video_intelligence.read(data)
        except TrackletError as error:
            return type(error).__name__
        select(found, Selection(0.0, 1), duration_s=5.0)
        assert video_intelligence.read(video_intelligence.write(found)).tracks == found.tracks
        whole_bytes, piece_bytes = pieces.WHOLE_BYTES, pieces.PIECE_BYTES
        pieces.WHOLE_BYTES, pieces.PIECE_BYTES = 0, 300
        try:
            assert video_intelligence.read(data) == found
        finally:
            pieces.WHOLE_BYTES, pieces.PIECE_BYTES = whole_bytes, piece_bytes
        return "read"

    def tracks(self, number: int) -> str:
        """Read a file of another tool; written as ours it says the same."""
        chance = random.Random(f"tracks {number}")
        key, seed = chance.choice(sorted(self._tracks.items()))
        self._file.write_bytes(mutated_tracks(chance, seed))
        try:
            found = FORMATS[key].tracks_in(self._file, seeds.FOOTAGE)
        except AnnotationError as error:
            sentences.sentence(error)
            return type(error).__name__
        again = video_intelligence.read(video_intelligence.write(found))
        assert [(track.label, len(track)) for track in again.tracks] == [(track.label, len(track)) for track in found.tracks]
        return "read"

    def requests(self, number: int) -> str:
        """A command, options in a mention, and a message event."""
        chance = random.Random(f"requests {number}")
        text = mutated_text(chance, seeds.COMMANDS)
        outcome = "read"
        try:
            grammar.parse_command(text)
        except errors.CommandError as error:
            outcome = error.what.value
        with contextlib.suppress(errors.CommandError):
            grammar.parse_options(text)
        with contextlib.suppress(errors.CommandError):
            grammar.hear(text)
        links.split_links(text)
        message = json.loads(json.dumps(chance.choice(seeds.MESSAGES)))
        message["event"]["text"] = text
        message = changed_json(chance, message)
        if isinstance(message, dict):  # whatever else is no body of Slack's
            messages.read_message(message, bot_user="UBOT")
        return outcome

    def events(self, number: int) -> str:
        """A storage event, its JSON or its bytes changed."""
        chance = random.Random(f"events {number}")
        headers, body = chance.choice(seeds.EVENTS)
        if chance.random() < 0.3:
            headers = {name: mutated_text(chance, list(headers.values())) for name in headers}
        data = json.dumps(changed_json(chance, body)).encode() if chance.random() < 0.8 else json.dumps(body).encode()
        if chance.random() < 0.3:
            place = chance.randrange(len(data))
            data = data[:place] + bytes([chance.randrange(256)]) * chance.choice((1, 1, 5000)) + data[place:]
        try:
            storage_events.parse(CIMultiDict(headers), data)
        except storage_events.BadEventError:
            return "BadEventError"
        return "read"
