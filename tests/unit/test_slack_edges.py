"""What of Slack is pure: whose links may have the token, what is a video unasked, what was taken back, whose a request is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.model import SourceKind, digest
from bot.jobs.operator_faults import needs_operator, translated
from bot.requests.links import may_work_once, source_of
from bot.slack.lookups import is_slacks
from bot.slack.messages import is_surely_video, is_video_file
from bot.slack.payloads import Addressee, asker_of, is_complete, normalised
from bot.slack.withdrawals import Withdrawal, read_withdrawal
from bot.texts import slack as texts
from tracking.errors import (
    EngineAbsence,
    EngineUnavailable,
    GoogleFault,
    ModelError,
    ModelFault,
    SourceNotFound,
    StorageError,
    StorageFault,
    TrackletError,
)

SLACK, GOV = "https://slack.com/api/", "https://slack-gov.com/api/"


@pytest.mark.parametrize(
    ("link", "api_url", "is_theirs"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.mp4", SLACK, True),
        ("https://files.slack-gov.com/files-pri/T1-F1/a.mp4", GOV, True),
        ("https://slack-gov.com/a.mp4", GOV, True),
        ("https://files.slack-gov.com/files-pri/T1-F1/a.mp4", SLACK, False),
        ("https://files.slack.com.evil.org/a.mp4", SLACK, False),
        ("https://evilslack.com/a.mp4", SLACK, False),
        ("https://evilslack-gov.com/a.mp4", GOV, False),
        ("http://files.slack.com/a.mp4", SLACK, False),
        ("http://127.0.0.1:3000/files-pri/T1-F1/a.mp4", "http://127.0.0.1:3000/api/", True),
        ("http://127.0.0.1:3001/files-pri/T1-F1/a.mp4", "http://127.0.0.1:3000/api/", False),
        ("https://evil.127.0.0.1/a.mp4", "http://127.0.0.1:3000/api/", False),
        ("https://evil.localhost/a.mp4", "http://localhost:3000/api/", False),
        ("", SLACK, False),
    ],
)
def test_the_token_goes_to_slacks_own_hosts_alone(link: str, api_url: str, is_theirs: bool) -> None:
    assert is_slacks(link, api_url=api_url) is is_theirs


def test_a_permalink_of_govslack_is_a_file_of_slack() -> None:
    for link in ("https://files.slack-gov.com/files-pri/T1-F0CLIP/a.mp4", "https://acme.slack-gov.com/files/U1/F0CLIP/a.mp4"):
        source = source_of(link, slack_host="acme.slack-gov.com")
        assert (source.kind, source.ref) == (SourceKind.SLACK_FILE, "F0CLIP")


@pytest.mark.parametrize(
    ("file", "is_video", "is_sure"),
    [
        ({"name": "clip.mp4", "mimetype": "video/mp4"}, True, True),
        ({"name": "CLIP.MP4", "mimetype": "video/mp4"}, True, True),
        ({"name": "clip", "mimetype": "video/webm"}, True, True),
        ({"name": "clip.mkv", "mimetype": "application/octet-stream"}, True, True),
        ({"name": "clip.m2ts", "mimetype": "video/mp2t"}, True, True),
        ({"name": "server.ts", "mimetype": "video/mp2t"}, True, False),
        ({"name": "audio_message.m4a", "mimetype": "video/mp4"}, True, False),
        ({"name": "clip.mp4", "mimetype": "video/mp4", "subtype": "slack_audio"}, True, False),
        ({"name": "clip.mp4", "mimetype": "video/mp4", "subtype": "slack_video"}, True, True),
        ({"name": "clip.mp4", "mimetype": "video/mp4", "mode": "external"}, True, False),
        ({"name": "clip.mp4", "mimetype": "video/mp4", "is_external": True}, True, False),
        ({"name": "clip.mp4", "mimetype": "audio/mp4"}, False, True),
        ({}, False, True),
    ],
    ids=str,
)
def test_what_a_file_says_of_itself_decides_whether_it_counts_unasked(
    file: dict[str, Any], is_video: bool, is_sure: bool
) -> None:
    assert is_video_file(file) is is_video
    if is_video:
        assert is_surely_video(file) is is_sure


@pytest.mark.parametrize(
    ("link", "may"),
    [
        ("https://e.org/a.mp4", False),
        ("https://e.org/a.mp4#t=10", False),
        ("https://e.org/a.mp4?X-Amz-Signature=1", True),
        ("https://me:secret@e.org/a.mp4", True),
        ("http://[", True),
    ],
)
def test_a_link_with_a_query_may_work_once(link: str, may: bool) -> None:
    assert may_work_once(link) is may


BEFORE = {"type": "message", "user": "U1", "ts": "1.1", "files": [{"id": "F1", "mode": "hosted"}]}


@pytest.mark.parametrize(
    ("event", "withdrawal"),
    [
        ({"subtype": "message_deleted", "deleted_ts": "1.1", "previous_message": BEFORE}, Withdrawal("C1", "1.1")),
        ({"subtype": "message_deleted", "deleted_ts": "1.1"}, Withdrawal("C1", "1.1")),
        ({"subtype": "message_deleted", "deleted_ts": "1.1", "previous_message": BEFORE | {"user": "UBOT"}}, None),
        ({"subtype": "message_deleted", "deleted_ts": "1.1", "previous_message": {"bot_id": "B1"}}, None),
        ({"subtype": "message_deleted"}, None),
        (
            {"subtype": "message_changed", "message": {"ts": "1.1", "subtype": "tombstone"}, "previous_message": BEFORE},
            Withdrawal("C1", "1.1"),
        ),
        (
            {
                "subtype": "message_changed",
                "message": BEFORE | {"files": [{"id": "F1", "mode": "tombstone"}]},
                "previous_message": BEFORE,
            },
            Withdrawal("C1", "1.1", ("F1",)),
        ),
        ({"subtype": "message_changed", "message": BEFORE | {"text": "new"}, "previous_message": BEFORE}, None),
        ({"subtype": "message_changed", "message": BEFORE | {"files": []}, "previous_message": BEFORE}, None),
        ({"subtype": "message_changed", "message": "?", "previous_message": 7}, None),
        (BEFORE, None),
    ],
    ids=str,
)
def test_a_deletion_is_read_from_each_of_its_events(event: dict[str, Any], withdrawal: Withdrawal | None) -> None:
    assert read_withdrawal({"type": "message", "channel": "C1"} | event, bot_user="UBOT") == withdrawal


def test_a_form_of_another_workspaces_person_is_of_ours() -> None:
    body = {"type": "view_submission", "team": None, "user": {"id": "U1", "team_id": "T2"}, "view": {"id": "V"}}
    assert normalised(body, team="T1")["team"] == {"id": "T1"}
    assert normalised(body | {"team": {"id": "T2", "domain": "d"}}, team="T1")["team"] == {"id": "T1", "domain": "d"}
    assert normalised({"command": "/track"}, team="T1")["team_id"] == "T1"
    assert not is_complete(normalised({"type": "view_submission", "user": None}, team="T1"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(), max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(st.characters(), max_size=4), JSON, max_size=4))
def test_what_is_normalised_can_be_written_and_stays_so(body: dict[str, Any]) -> None:
    once = normalised(body, team="T1")
    str(once).encode()
    assert normalised(once, team="T1") == once


def test_half_a_character_becomes_a_mark_and_whole_ones_stay() -> None:
    body = {"event": {"text": "<https://e.org/a\ud83d.mp4> \U0001f98a é"}}
    assert normalised(body, team="T1")["event"]["text"] == "<https://e.org/a\ufffd.mp4> \U0001f98a é"
    assert len(digest("a\ud83d")) == 20


@pytest.mark.parametrize(
    ("payload", "asker"),
    [
        ({"event": {"user": "U1", "channel": "C1", "text": "<@UBOT> hi", "thread_ts": "1.1"}}, Addressee("U1", "C1", "1.1")),
        ({"event": {"user": "U1", "channel": "C1", "text": "<@UBOT|tracklet> hi"}}, Addressee("U1", "C1")),
        ({"event": {"user": "U1", "channel": "D1", "text": "hi"}}, Addressee("U1", "D1")),
        ({"event": {"user": "U1", "channel": "C1", "text": "hi"}}, None),
        ({"event": {"file_id": "F1", "channel_id": "C1", "user_id": "U1"}}, None),
        ({"user_id": "U1", "channel_id": "C1", "response_url": "r"}, Addressee("U1", "C1", "", "r")),
        ({"user": {"id": "U1"}, "channel": {"id": "C1"}, "response_url": "r"}, Addressee("U1", "C1", "", "r")),
        ({"request": {"user": "U1", "channel": "C1"}, "job": "x"}, Addressee("U1", "C1")),
        ({"team": "T1", "channel": "C1", "ts": "1.1", "file_ids": []}, None),
    ],
    ids=str,
)
def test_who_waits_for_an_answer_is_told_and_nobody_else(payload: dict[str, Any], asker: Addressee | None) -> None:
    assert asker_of(payload, bot_user="UBOT") == asker


@pytest.mark.parametrize(
    ("error", "is_theirs"),
    [
        (StorageError("disk", "write", StorageFault.FULL), True),
        (StorageError("data folder", "write", StorageFault.PERMISSION), True),
        (StorageError("annotations", "write", "Read-only file system"), True),
        (StorageError("gs://theirs/clip.mp4", "read", StorageFault.PERMISSION), False),
        (StorageError("gs://theirs/clip.mp4", "read", StorageFault.OFFLINE), False),
        (StorageError("gs://theirs/clip.mp4", "read", GoogleFault.CREDENTIALS), True),
        (EngineUnavailable("google", GoogleFault.API_DISABLED), True),
        (EngineUnavailable("google", EngineAbsence.QUOTA), False),
        (ModelError("tiny", ModelFault.UNREADABLE), True),
        (SourceNotFound("https://e.org/a.mp4"), False),
    ],
    ids=str,
)
def test_what_only_the_operator_can_mend_is_told_in_one_line_with_the_jobs_number(
    error: TrackletError, is_theirs: bool
) -> None:
    assert needs_operator(error) is is_theirs
    said = texts.sentence(error, number=12)
    assert ("Only whoever runs me can mend that; tell them that it was job 12." in said) is is_theirs
    assert "\n" not in said


def test_what_the_system_says_of_the_data_folder_is_translated() -> None:
    assert translated(OSError(28, "No space left on device")) is not None
    assert translated(PermissionError(13, "Permission denied")) is not None
    assert translated(OSError(30, "Read-only file system")) is not None
    assert translated(FileNotFoundError(2, "No such file")) is None
