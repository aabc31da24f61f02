"""Downloading a model from a real server that misbehaves in the ways servers do."""

import hashlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tracking.errors import EngineUnavailable, ModelError
from tracking.local.detectors.base import PublishedModel, published_models
from tracking.local.weights import locate

CONTENT = bytes(range(256)) * 2048  # 512 KiB
OTHER = CONTENT[::-1]
FILE = "model.onnx"


def release(shelf: str, content: bytes = CONTENT, *, size_bytes: int | None = None) -> dict[str, PublishedModel]:
    return {"nano": PublishedModel(f"{shelf}{FILE}", size_bytes or len(content), hashlib.sha256(content).hexdigest())}


@dataclass
class Shelf:
    """What the server has, how it behaves, and what it was asked."""

    content: bytes = CONTENT
    status: int = 200
    cut_after: list[int] = field(default_factory=list)  # bytes of each answer's body, then the connection ends
    hold_after: int | None = None  # bytes after which an answer waits for `go_on`
    go_on: threading.Event = field(default_factory=threading.Event)
    announces_size: bool = True
    moved_to: str = ""
    asked: list[str] = field(default_factory=list)  # the path of each request
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shelf: Shelf

    def do_GET(self) -> None:
        shelf = self.shelf
        shelf.asked.append(self.path)
        self.close_connection = True
        if shelf.moved_to and not self.path.startswith("/moved/"):
            self._answer(302, {"Location": shelf.moved_to}, b"")
        elif shelf.status != 200:
            self._answer(shelf.status, {}, b"not here")
        else:
            self._answer(200, {}, shelf.content)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        if self.shelf.announces_size:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.shelf.cut_after and status < 300:
            body = body[: self.shelf.cut_after.pop(0)]
        if self.shelf.hold_after is not None:
            self.wfile.write(body[: self.shelf.hold_after])
            self.wfile.flush()
            body = body[self.shelf.hold_after :]
            self.shelf.go_on.wait(30)
        try:
            self.wfile.write(body)
        except ConnectionError:
            return  # the client was killed

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A server on a free port of this machine, as its `Shelf`."""
    shelf = Shelf()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("_Handler", (Handler,), {"shelf": shelf}))
    shelf.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield shelf
    shelf.go_on.set()
    server.shutdown()
    server.server_close()
    thread.join()


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {f"{FILE}.lock"}


def test_a_model_is_downloaded_once_with_progress(shelf: Shelf, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    folder = tmp_path / "cache" / "models"

    def ask() -> Path:
        progress = lambda done, total: told.append((done, total))  # noqa: E731
        return locate("nano", progress=progress, folder=folder, published=release(shelf.url))

    path = ask()
    assert path.read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)
    assert ask() == path
    assert len(shelf.asked) == 1
    assert files_in(folder) == {FILE}


def test_a_redirect_is_followed(shelf: Shelf, tmp_path: Path) -> None:
    shelf.moved_to = f"{shelf.url}moved/{FILE}"
    assert locate("nano", folder=tmp_path, published=release(shelf.url)).read_bytes() == CONTENT
    assert len(shelf.asked) == 2


def test_a_cut_connection_is_offline_and_the_next_try_starts_again(shelf: Shelf, tmp_path: Path) -> None:
    shelf.cut_after = [100_000]
    with pytest.raises(EngineUnavailable) as caught:
        locate("nano", folder=tmp_path, published=release(shelf.url))
    assert (caught.value.engine, caught.value.reason) == ("yolox", "offline")
    assert files_in(tmp_path) == set()
    assert locate("nano", folder=tmp_path, published=release(shelf.url)).read_bytes() == CONTENT


def test_a_killed_download_is_repeated_and_cleared_by_the_next_process(shelf: Shelf, tmp_path: Path) -> None:
    shelf.hold_after = 200_000
    script = (
        "import sys; from pathlib import Path\n"
        "from tracking.local.detectors.base import PublishedModel; from tracking.local.weights import locate\n"
        "url, folder, size, sha256 = sys.argv[1:]\n"
        f"release = {{'nano': PublishedModel(url + {FILE!r}, int(size), sha256)}}\n"
        "tell = lambda done, total: print(done, flush=True)\n"
        "locate('nano', progress=tell, folder=Path(folder), published=release)\n"
    )
    sha256 = release(shelf.url)["nano"].sha256
    command = [sys.executable, "-c", script, shelf.url, str(tmp_path), str(len(CONTENT)), sha256]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert any(int(line) >= 190_000 for line in child.stdout)
        child.kill()
    shelf.hold_after = None
    assert any((tmp_path / f"{FILE}.download").iterdir())
    assert locate("nano", folder=tmp_path, published=release(shelf.url)).read_bytes() == CONTENT
    assert files_in(tmp_path) == {FILE}


def test_a_progress_callback_that_raises_stops_the_download_and_leaves_nothing(shelf: Shelf, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop_halfway(done: int, total: int) -> None:
        if done > total / 2:
            raise Stopped

    with pytest.raises(Stopped):
        locate("nano", progress=stop_halfway, folder=tmp_path, published=release(shelf.url))
    assert files_in(tmp_path) == set()


def test_another_content_than_published_is_refused_and_thrown_away(shelf: Shelf, tmp_path: Path) -> None:
    shelf.content = OTHER
    with pytest.raises(ModelError) as caught:
        locate("nano", folder=tmp_path, published=release(shelf.url))
    assert (caught.value.model, caught.value.problem) == ("nano", "checksum")
    assert files_in(tmp_path) == set()
    assert len(shelf.asked) == 1


@pytest.mark.parametrize("announces_size", [True, False])
@pytest.mark.parametrize("size_bytes", [len(CONTENT) - 1, len(CONTENT) // 2])
def test_a_file_that_is_too_long_is_refused_and_thrown_away(
    shelf: Shelf, tmp_path: Path, announces_size: bool, size_bytes: int
) -> None:
    shelf.announces_size = announces_size
    with pytest.raises(ModelError) as caught:
        locate("nano", folder=tmp_path, published=release(shelf.url, size_bytes=size_bytes))
    assert caught.value.problem == "size"
    assert files_in(tmp_path) == set()


def test_a_file_that_is_too_short_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        locate("nano", folder=tmp_path, published=release(shelf.url, size_bytes=len(CONTENT) + 1))
    assert caught.value.problem == "size"


@pytest.mark.parametrize("status", [404, 403, 500, 416])
def test_an_http_error_is_told_with_its_number(shelf: Shelf, tmp_path: Path, status: int) -> None:
    shelf.status = status
    with pytest.raises(EngineUnavailable) as caught:
        locate("nano", folder=tmp_path, published=release(shelf.url))
    assert (caught.value.reason, caught.value.detail) == ("offline", f"HTTP {status}")


def test_no_server_is_offline(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        locate("nano", folder=tmp_path, published=release("http://127.0.0.1:9/"))
    assert caught.value.reason == "offline"
    assert caught.value.detail == "Connection refused"


def test_two_at_once_share_one_download(shelf: Shelf, tmp_path: Path) -> None:
    shelf.hold_after = 100_000
    results: list[bytes] = []
    waited = threading.Event()

    def ask(name: str) -> None:
        def progress(done: int, total: int) -> None:
            if name == "second":
                waited.set()

        results.append(locate("nano", progress=progress, folder=tmp_path, published=release(shelf.url)).read_bytes())

    first = threading.Thread(target=ask, args=("first",))
    first.start()
    while not (tmp_path / f"{FILE}.download").exists():
        first.join(0.01)
    second = threading.Thread(target=ask, args=("second",))
    second.start()
    assert waited.wait(30)
    shelf.go_on.set()
    first.join()
    second.join()
    assert results == [CONTENT, CONTENT]
    assert len(shelf.asked) == 1


def test_a_cache_that_cannot_be_written_is_said_to_be_so(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EngineUnavailable) as caught:
        locate("nano", folder=tmp_path / "file" / "models", published=release(shelf.url))
    assert (caught.value.reason, caught.value.detail) == ("configuration", "Not a directory")


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"a network")
    assert locate(path) == path
    assert locate(str(path)) == path


@pytest.mark.parametrize(
    ("given", "problem"),
    [("huge", "name"), ("nowhere/mine.onnx", "missing"), ("mine.onnx", "missing"), (Path("nano"), "missing")],
)
def test_what_is_neither_a_file_nor_a_name_is_told_apart(given: str | Path, problem: str) -> None:
    with pytest.raises(ModelError) as caught:
        locate(given)
    assert caught.value.problem == problem
    assert "nowhere" not in caught.value.model


def test_the_published_names_are_those_that_the_command_takes() -> None:
    assert list(published_models()) == ["nano", "tiny", "s"]
    assert all(re.fullmatch("[0-9a-f]{64}", release.sha256) for release in published_models().values())
