"""
Camtrap DP 1.0, the exchange format for camera traps: a folder with `datapackage.json` and three tables.

One deployment, one media file, and an observation for each object: of the level "media", with its box where it is largest, and
the label, object and second among its tags; without any object one observation is "blank". What the video can't know has to be
told: where the camera stood and when the recording began, as `latitude`, `longitude` and `timestamp`. Every other column of
`deployments` can be told, too. Where the deployment's begin and end are not, they are those of the recording; what the profile
wants to know of the project is, unless told, the video's name, "opportunistic" and "activityDetection".

A label's type is what COCO's and Google's labels mean; a scientific name stands where a label has only one, and for others can
be told: `taxa = {fox = "Vulpes vulpes"}`. A label of neither is "unknown", a moving object "unclassified". Source:
camtrap-dp.tdwg.org/data and /metadata, version 1.0.2, whose tables are those of 1.0.
"""

from __future__ import annotations

import math
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import orjson

from tracking.errors import OptionError
from tracking.formats.base import FORMATS, Exported, ExportFormat, Files, plain_label
from tracking.formats.tables import csv_bytes
from tracking.model import Track
from tracking.plain_text import plain

VERSION = "1.0.2"
STANDARD = f"https://raw.githubusercontent.com/tdwg/camtrap-dp/{VERSION}"

DEPLOYMENTS = (
    *("deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty", "deploymentStart"),
    *("deploymentEnd", "setupBy", "cameraID", "cameraModel", "cameraDelay", "cameraHeight", "cameraDepth", "cameraTilt"),
    *("cameraHeading", "detectionDistance", "timestampIssues", "baitUse", "featureType", "habitat", "deploymentGroups"),
    *("deploymentTags", "deploymentComments"),
)
MEDIA = (
    *("mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic", "fileName", "fileMediatype"),
    *("exifData", "favorite", "mediaComments"),
)
OBSERVATIONS = (
    *("observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel", "observationType"),
    *("cameraSetupType", "scientificName", "count", "lifeStage", "sex", "behavior", "individualID"),
    *("individualPositionRadius", "individualPositionAngle", "individualSpeed", "bboxX", "bboxY", "bboxWidth", "bboxHeight"),
    *("classificationMethod", "classifiedBy", "classificationTimestamp", "classificationProbability", "observationTags"),
    "observationComments",
)

NUMBERS: Final = {  # the least and the most that a column may hold
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
    "coordinateUncertainty": (1, 10**9),
    "cameraDelay": (0, 10**9),
    "cameraHeight": (0.0, 1e6),
    "cameraDepth": (0.0, 1e6),
    "cameraTilt": (-90, 90),
    "cameraHeading": (0, 360),
    "detectionDistance": (0.0, 1e6),
}
FLAGS = {"timestampIssues", "baitUse", "filePublic"}
MOMENTS = {"timestamp", "deploymentStart", "deploymentEnd"}
CHOICES: Final = {
    "featureType": (
        *("roadPaved", "roadDirt", "trailHiking", "trailGame", "roadUnderpass", "roadOverpass", "roadBridge", "culvert"),
        *("burrow", "nestSite", "carcass", "waterSource", "fruitingTree"),
    ),
    "samplingDesign": (*("simpleRandom", "systematicRandom", "clusteredRandom", "experimental", "targeted", "opportunistic"),),
    "captureMethod": ("activityDetection", "timeLapse"),
}
OTHERS = {"taxa", "projectTitle", "contributor", "filePath"}
TOLD = {*DEPLOYMENTS, *FLAGS, *MOMENTS, *CHOICES, *OTHERS}
NEEDED = ("latitude", "longitude", "timestamp")

# Of the labels of COCO and of Google's detector; a name stands where there is only one for all that the label means.
ANIMALS = {
    "animal": "Animalia",
    "bear": "Ursidae",
    "bird": "Aves",
    "cat": "Felis catus",
    "cow": "Bos taurus",
    "dog": "Canis familiaris",
    "elephant": "Elephantidae",
    "giraffe": "Giraffa",
    "horse": "Equus caballus",
    "sheep": "Ovis aries",
    "zebra": "Equus",
}
HUMAN = "Homo sapiens"
HUMANS = {"person", "man", "woman", "boy", "girl", "human"}
VEHICLES = {
    *("airplane", "bicycle", "boat", "bus", "car", "helicopter", "motorcycle", "motorbike", "train", "truck", "van", "vehicle"),
}

MAX_TEXT = 1000
TYPES: Mapping[str, str] = mimetypes.MimeTypes().types_map[True]  # Python's own, which no file of the system changes


@dataclass(frozen=True, slots=True)
class _Told:
    """What a person said, checked; `timestamp` is when the video begins."""

    values: Mapping[str, Any]
    taxa: Mapping[str, str]
    timestamp: datetime

    def text(self, key: str, usual: str) -> str:
        return str(self.values.get(key, usual))


def write(exported: Exported) -> Files:
    """Yield the tables, then `datapackage.json`. Raises `OptionError` where something is missing or can't be."""
    told = _told(exported)
    deployment = {"deploymentID": exported.footage.name, **told.values}
    begin = told.timestamp
    end = begin + timedelta(seconds=math.ceil(exported.footage.info.duration_s))
    deployment["deploymentStart"] = told.values.get("deploymentStart", begin)
    deployment["deploymentEnd"] = told.values.get("deploymentEnd", end)
    observations = [_observation(track, exported, told) for track in exported.annotations.tracks]
    if not observations:
        observations = [_common(exported, told, "0") | {"eventStart": begin, "eventEnd": end, "observationType": "blank"}]
    for row in observations:
        row["deploymentID"] = deployment["deploymentID"]
    media = {
        "mediaID": exported.footage.name,
        "deploymentID": deployment["deploymentID"],
        "captureMethod": told.values.get("captureMethod"),
        "timestamp": begin,
        "filePath": _path(exported, told),
        "filePublic": told.values.get("filePublic", False),
        "fileName": exported.footage.name,
        "fileMediatype": _media_type(exported.footage.name),
    }
    yield "deployments.csv", _table(DEPLOYMENTS, [deployment])
    yield "media.csv", _table(MEDIA, [media])
    yield "observations.csv", _table(OBSERVATIONS, observations)
    yield "datapackage.json", _package(exported, told, deployment, observations)


def _told(exported: Exported) -> _Told:
    """Return what was told, checked. Raises `OptionError`."""
    values: dict[str, Any] = {}
    taxa = exported.told.get("taxa", {})
    if not isinstance(taxa, dict) or not all(isinstance(name, str) and plain(name) for name in taxa.values()):
        raise OptionError("about", "taxa", 'scientific names of labels are needed, such as {fox = "Vulpes vulpes"}')
    for key in NEEDED:
        if key not in exported.told:
            raise OptionError(
                "about", "", f"for camtrap-dp it has to say {', '.join(NEEDED[:-1])} and {NEEDED[-1]}; {key} is missing"
            )
    for key, value in exported.told.items():
        if key not in TOLD:
            raise OptionError("about", key, f"for camtrap-dp it may say {', '.join(sorted(TOLD))}")
        if key != "taxa":
            values[key] = _checked(key, value)
    if values["timestamp"] > values.get("deploymentEnd", values["timestamp"]) or values["timestamp"] < values.get(
        "deploymentStart", values["timestamp"]
    ):
        raise OptionError("about", "timestamp", "the recording begins within its deployment")
    return _Told(values, {str(label).casefold(): plain(name) for label, name in taxa.items()}, values["timestamp"])


def _checked(key: str, value: Any) -> Any:
    """Return a value of the kind that the column holds. Raises `OptionError`."""
    if key in NUMBERS:
        least, most = NUMBERS[key]
        kinds = (int,) if isinstance(least, int) else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
            what = "whole number" if kinds == (int,) else "number"
            raise OptionError("about", key, f"a {what} from {least:g} to {most:g} is needed")
    elif key in FLAGS:
        if not isinstance(value, bool):
            raise OptionError("about", key, "true or false is needed")
    elif key in MOMENTS:
        if not isinstance(value, datetime) or value.tzinfo is None or not 1900 <= value.year <= 2200:
            raise OptionError("about", key, "a time with its zone is needed, such as 2026-05-01T04:10:00+02:00")
    elif key in CHOICES:
        if value not in CHOICES[key]:
            raise OptionError("about", key, f"one of {', '.join(CHOICES[key])} is needed")
    elif not isinstance(value, str) or not plain(value) or len(value) > MAX_TEXT:
        raise OptionError("about", key, f"a text of up to {MAX_TEXT} letters is needed")
    return value


def _common(exported: Exported, told: _Told, number: str) -> dict[str, Any]:
    """Return what every observation has."""
    return {
        "observationID": f"{exported.footage.name}:{number}",
        "mediaID": exported.footage.name,
        "observationLevel": "media",
        "classificationMethod": "machine",
        "classifiedBy": "Tracklet",
    }


def _observation(track: Track, exported: Exported, told: _Told) -> dict[str, Any]:
    """Return the row of one object."""
    label = plain_label(track)
    kind, name = _meaning(label, told.taxa) if track.is_named else ("unclassified", "")
    row = _common(exported, told, str(track.track_id)) | {
        "eventStart": told.timestamp + timedelta(seconds=math.floor(track.segment.start_s)),
        "eventEnd": told.timestamp + timedelta(seconds=math.ceil(track.segment.end_s)),
        "observationType": kind,
        "scientificName": name or None,
        "count": 1,
        "classificationProbability": round(track.confidence, 4),
    }
    tags = [f"label:{label.replace('|', '/')}", f"track:{track.track_id}"]
    inside = exported.on_frames(track).inside()
    if inside.frames.size:
        sides = inside.boxes[:, 2:] - inside.boxes[:, :2]
        best = int(np.argmax(sides[:, 0] * sides[:, 1]))
        left, top = np.floor(inside.boxes[best, :2] * 1e6) / 1e6
        width, height = np.floor(sides[best] * 1e6) / 1e6
        row |= {"bboxX": float(left), "bboxY": float(top), "bboxWidth": float(width), "bboxHeight": float(height)}
        tags.append(f"second:{exported.footage.frame_times[inside.frames[best]]:.3f}")
    return row | {"observationTags": " | ".join(tags)}


def _meaning(label: str, taxa: Mapping[str, str]) -> tuple[str, str]:
    """Return the type of observation that a label stands for, and its scientific name, "" where it has none."""
    folded = label.casefold()
    if folded in taxa:
        return ("human" if taxa[folded] == HUMAN else "animal"), taxa[folded]
    if folded in HUMANS:
        return "human", HUMAN
    if folded in VEHICLES:
        return "vehicle", ""
    return ("animal", ANIMALS[folded]) if folded in ANIMALS else ("unknown", "")


def _path(exported: Exported, told: _Told) -> str:
    """Return where the video is. Raises `OptionError` where that is no path that the standard allows."""
    path = told.text("filePath", exported.footage.name)
    if path.startswith((".", "/", "~")) or ".." in path:
        raise OptionError("about", "filePath", "an address, or a path below the package's folder, is needed")
    return path


def _media_type(name: str) -> str:
    kind = TYPES.get(f".{name.rpartition('.')[2].lower()}", "")
    return kind if kind.startswith("video/") else "video/x-unknown"


def _table(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> bytes:
    return csv_bytes(columns, ([_cell(row.get(column)) for column in columns] for row in rows))


def _cell(value: Any) -> Any:
    """Return a value as the standard writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


def _package(exported: Exported, told: _Told, deployment: Mapping[str, Any], observations: list[dict[str, Any]]) -> bytes:
    names = sorted({row["scientificName"] for row in observations if row.get("scientificName")})
    package = {
        "profile": f"{STANDARD}/camtrap-dp-profile.json",
        "created": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "title": f"Objects of {exported.footage.name}",
        "contributors": [{"title": plain(told.text("contributor", "Tracklet")), "role": "contributor"}],
        "resources": [
            {
                "name": name,
                "path": f"{name}.csv",
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "schema": f"{STANDARD}/{name}-table-schema.json",
            }
            for name in ("deployments", "media", "observations")
        ],
        "project": {
            "title": plain(told.text("projectTitle", exported.footage.name)),
            "samplingDesign": told.text("samplingDesign", "opportunistic"),
            "captureMethod": [told.text("captureMethod", "activityDetection")],
            "individualAnimals": False,
            "observationLevel": ["media"],
        },
        "spatial": {"type": "Point", "coordinates": [told.values["longitude"], told.values["latitude"]]},
        "temporal": {
            "start": deployment["deploymentStart"].date().isoformat(),
            "end": deployment["deploymentEnd"].date().isoformat(),
        },
        "taxonomic": [{"scientificName": name} for name in names],
    }
    return orjson.dumps(package, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


FORMATS.register(
    ExportFormat(
        key="camtrap-dp",
        title="Camtrap DP",
        description="camera traps: datapackage.json with deployments, media and observations",
        suffix=".camtrap-dp",
        write=write,
    )
)
