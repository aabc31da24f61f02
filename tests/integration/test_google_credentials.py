"""Credentials that are missing, malformed or refused: Google's own library, and its servers of tokens on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.oauth2.credentials import Credentials as UserCredentials

from bot.texts import errors
from tracking.errors import EngineUnavailable, GoogleFault
from tracking.google_access import CredentialsRefused, Refusal, find_credentials, sign_in

Json = dict[str, Any]
Answer = tuple[int, str, str]


@dataclass
class TokenServer:
    """Answers each request alike; one that `stalls` answers nothing until it ends."""

    url: str = ""
    answer: Answer = (200, "application/json", "{}")
    stalls: bool = False
    ends: threading.Event = field(default_factory=threading.Event)
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    there = TokenServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # named by the library
            there.requests.append(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if there.stalls:
                there.ends.wait()
                return
            status, content_type, body = there.answer
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST  # noqa: N815  # as above

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.url = f"http://127.0.0.1:{server.server_port}/token"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield there
    there.ends.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*pem).decode()


def service_account(private_key: str, token_uri: str = "https://oauth2.googleapis.com/token") -> Json:
    return {
        "type": "service_account",
        "project_id": "film-123456",
        "private_key_id": "1",
        "private_key": private_key,
        "client_email": "bot@film-123456.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }


def refusal_with(path: Path, monkeypatch: pytest.MonkeyPatch) -> Refusal | None:
    """What becomes of the credentials in a file; fails where they are taken. What is told of them ends with a full stop."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    with pytest.raises(CredentialsRefused) as raised:
        sign_in(find_credentials())
    refusal = raised.value.refusal
    if refusal is not None:
        said = errors.sentence(EngineUnavailable("google", refusal.fault, raised.value.detail, refusal.subject))
        assert said.endswith(".")
        assert "\n" not in said
        assert str(path.parent) not in said
    return refusal


BAD_FILES: dict[str, bytes | str] = {
    "empty": b"",
    "cut": b'{"type": "service_account", "private_key": "-----BEGIN',
    "no text": b"\xff\xfe\x00\x01",
    "UTF-16": "{}".encode("utf-16"),
    "a list": "[]",
    "a string": '"x"',
    "null": "null",
    "no type": '{"a": 1}',
    "a type that there is not": '{"type": "foo"}',
    "a type that is no text": '{"type": 5}',
    "the secret of an OAuth client": '{"installed": {"client_id": "x"}}',
    "a service account without a key": '{"type": "service_account", "client_email": "a@b.c", "token_uri": "http://x"}',
    "a user without a token": '{"type": "authorized_user", "client_id": "x"}',
    "a federation without anything": '{"type": "external_account"}',
    "an impersonation without a source": '{"type": "impersonated_service_account"}',
}


@pytest.mark.parametrize("content", BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_key_file_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | str
) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert refusal_with(path, monkeypatch) == Refusal(GoogleFault.KEY_FILE_MALFORMED, "key.json")


def test_a_key_that_is_none_makes_its_file_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, private_key: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(service_account(private_key[:200])))
    assert refusal_with(path, monkeypatch) == Refusal(GoogleFault.KEY_FILE_MALFORMED, "key.json")


def test_a_file_that_is_not_there_or_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal_with(tmp_path / "none.json", monkeypatch) == Refusal(GoogleFault.KEY_FILE_MISSING, "none.json")
    (tmp_path / "folder.json").mkdir()
    assert refusal_with(tmp_path / "folder.json", monkeypatch) == Refusal(GoogleFault.KEY_FILE_UNREADABLE, "folder.json")


def test_a_file_that_a_key_file_points_to_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokens: TokenServer
) -> None:
    federation = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": tokens.url,
        "credential_source": {"file": str(tmp_path / "subject-token")},
    }
    path = tmp_path / "key.json"
    path.write_text(json.dumps(federation))
    assert refusal_with(path, monkeypatch) == Refusal(GoogleFault.KEY_FILE_MISSING, "subject-token")


def refused(error: str, description: str, status: int = 400) -> Answer:
    return status, "application/json", json.dumps({"error": error, "error_description": description})


SKEW = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values."
)
SERVICE_ACCOUNTS = {
    "its key is deleted": (refused("invalid_grant", "Invalid JWT Signature."), GoogleFault.KEY_REVOKED),
    "it is gone": (refused("invalid_grant", "Invalid grant: account not found"), GoogleFault.KEY_REVOKED),
    "it is disabled": (refused("invalid_client", "The OAuth client was disabled.", 401), GoogleFault.KEY_REVOKED),
    "our clock is wrong": (refused("invalid_grant", SKEW), GoogleFault.CLOCK),
    "another refusal": (refused("invalid_scope", "Invalid OAuth scope."), GoogleFault.CREDENTIALS),
    "no token": ((200, "application/json", "{}"), GoogleFault.CREDENTIALS),
    "a page that is not Google's": ((404, "text/html", "<html>No such page</html>"), None),
    "a server that fails": ((500, "text/html", "<html>Oops</html>"), None),
    "a server that is busy": ((503, "application/json", '{"error": "internal_failure"}'), None),
}


@pytest.mark.parametrize(("answer", "fault"), SERVICE_ACCOUNTS.values(), ids=SERVICE_ACCOUNTS)
def test_a_service_account_that_is_refused_says_why(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tokens: TokenServer,
    private_key: str,
    answer: Answer,
    fault: GoogleFault | None,
) -> None:
    tokens.answer = answer
    path = tmp_path / "key.json"
    path.write_text(json.dumps(service_account(private_key, tokens.url)))
    refusal = refusal_with(path, monkeypatch)
    assert (refusal.fault if refusal else None) is fault


USERS = {
    "it has expired": (refused("invalid_grant", "Token has been expired or revoked."), GoogleFault.SIGN_IN_EXPIRED),
    "it is not said why": (refused("invalid_grant", "Bad Request"), GoogleFault.SIGN_IN_EXPIRED),
    "the organisation wants it renewed": (
        refused("invalid_grant", "reauth related error (invalid_rapt)"),
        GoogleFault.SIGN_IN_EXPIRED,
    ),
    "its client is deleted": (refused("deleted_client", "The OAuth client was deleted.", 401), GoogleFault.KEY_REVOKED),
}


@pytest.mark.parametrize(("answer", "fault"), USERS.values(), ids=USERS)
def test_a_sign_in_that_is_refused_says_why(tokens: TokenServer, answer: Answer, fault: GoogleFault) -> None:
    tokens.answer = answer
    user = UserCredentials(None, refresh_token="r", token_uri=tokens.url, client_id="c", client_secret="s")  # type: ignore[no-untyped-call]  # untyped library; no secret of anybody
    with pytest.raises(CredentialsRefused) as raised:
        sign_in(user)
    assert raised.value.refusal is not None
    assert raised.value.refusal.fault is fault


def test_a_server_of_tokens_that_is_not_there_or_says_nothing_is_google_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tokens: TokenServer, private_key: str
) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(service_account(private_key, "http://127.0.0.1:1/token")))
    assert refusal_with(path, monkeypatch) is None
    tokens.stalls = True
    path.write_text(json.dumps(service_account(private_key, tokens.url)))
    assert refusal_with(path, monkeypatch) is None
    assert len(tokens.requests) == 1


def on_a_machine_of_google(host: str, home: Path) -> dict[str, str]:
    """An environment in which only the metadata server at `host` can give credentials."""
    named = ("GOOGLE_", "TRACKLET_", "SLACK_", "STORAGE_", "GCE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(named)}
    return kept | {
        "GCE_METADATA_HOST": host,
        "GCE_METADATA_IP": host,
        "HOME": str(home),
        "CLOUDSDK_CONFIG": str(home / "gcloud"),
        "TRACKLET_DATA_DIR": str(home / "data"),
        "TRACKLET_ENGINE": "motion",
        "TRACKLET_VIDEO_BUCKET": "videos-bucket",
    }


def test_doctor_ends_although_the_metadata_server_accepts_and_says_nothing(tmp_path: Path, tokens: TokenServer) -> None:
    tokens.stalls = True
    environment = on_a_machine_of_google(urlsplit(tokens.url).netloc, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "bot", "doctor"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert tokens.requests
    assert "I have no credentials for Google Cloud Storage." in done.stdout + done.stderr
