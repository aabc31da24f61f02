"""Whatever hinders the bot from starting is one sentence that names the setting, and status 2."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.jobs.database import Database
from bot.jobs.model import JobId, Request, Source, SourceKind
from bot.jobs.store import Store
from playground import Playground, Timing
from tests.integration.command import Run

APP_TOKEN = "xapp-1-playground"


@pytest.fixture(scope="module")
def there() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread of its own, since the command has its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def slack(there: asyncio.AbstractEventLoop) -> Iterator[Playground]:
    """A workspace on that event loop."""

    async def start() -> Playground:
        return await Playground(app_token=APP_TOKEN, limits=None, timing=Timing(ack_s=60.0)).start()

    playground = asyncio.run_coroutine_threadsafe(start(), there).result()
    try:
        yield playground
    finally:
        asyncio.run_coroutine_threadsafe(playground.aclose(), there).result()


@pytest.fixture
def environment(slack: Playground, tmp_path: Path) -> dict[str, str]:
    """All that a start over HTTP needs."""
    return {
        "SLACK_BOT_TOKEN": slack.bot_token,
        "SLACK_SIGNING_SECRET": "a-secret",
        "TRACKLET_SLACK_API_URL": slack.api_url,
        "TRACKLET_HTTP_PORT": "0",
        "TRACKLET_DATA_DIR": str(tmp_path / "data"),
    }


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def own() -> dict[str, str]:
    """This process's environment, without any setting."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TRACKLET_", "SLACK_"))}


@pytest.mark.parametrize(
    ("changes", "setting", "told"),
    [
        ({"SLACK_BOT_TOKEN": ""}, "SLACK_BOT_TOKEN", "xoxb-"),
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, "SLACK_BOT_TOKEN", "invalid_auth"),
        ({"SLACK_BOT_TOKEN": "xapp-1-wrong"}, "SLACK_BOT_TOKEN", "is not a bot's"),
        ({"SLACK_BOT_TOKEN": "xoxb-1\nwrong"}, "SLACK_BOT_TOKEN", "another character"),
        ({"SLACK_SIGNING_SECRET": ""}, "SLACK_SIGNING_SECRET", "signing secret"),
        ({"SLACK_APP_TOKEN": "xoxb-wrong"}, "SLACK_APP_TOKEN", "begins with xapp-"),
        ({"TRACKLET_DATA_DIR": "/dev/null/data"}, "TRACKLET_DATA_DIR", "folder"),
        ({"TRACKLET_DATA_DIR": __file__}, "TRACKLET_DATA_DIR", "folder"),
        ({"TRACKLET_DATA_DIR": "/proc"}, "TRACKLET_DATA_DIR", "folder"),
        ({"TRACKLET_DATABASE_URL": "sqlite:////dev/null/jobs.sqlite"}, "TRACKLET_DATABASE_URL", "folder"),
        ({"TRACKLET_DATABASE_URL": "wrong"}, "TRACKLET_DATABASE_URL", "postgresql://"),
        ({"TRACKLET_DATABASE_URL": "mysql://me:wrong@127.0.0.1/jobs"}, "TRACKLET_DATABASE_URL", "postgresql://"),
        ({"TRACKLET_DATABASE_URL": "postgresql://me:wrong@127.0.0.1:1/jobs"}, "TRACKLET_DATABASE_URL", "does not answer"),
    ],
)
def test_a_fault_of_the_start_is_one_sentence_that_names_the_setting(
    run: Run, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], setting: str, told: str
) -> None:
    for name, value in (environment | changes).items():
        monkeypatch.setenv(name, value)
    status, out, err = run("serve")
    assert (status, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert err.startswith(setting)
    assert told in err
    assert err.strip().endswith(".")
    assert "wrong" not in err  # no part of a secret


def test_a_token_that_slack_took_back_is_told_apart_from_a_wrong_one(
    run: Run, slack: Playground, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    slack.faults.refuse("auth.test", "account_inactive")
    status, _, err = run("serve")
    assert status == 2
    assert "no longer takes this token" in err


def test_what_answers_in_the_place_of_slack_is_told(
    run: Run, slack: Playground, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (environment | {"TRACKLET_SLACK_API_URL": slack.url}).items():
        monkeypatch.setenv(name, value)
    status, _, err = run("serve")
    assert status == 2
    assert err.startswith("TRACKLET_SLACK_API_URL")


@pytest.mark.parametrize(
    ("changes", "setting", "told"),
    [
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, "SLACK_APP_TOKEN", "invalid_auth"),
        ({"TRACKLET_HTTP_HOST": "192.0.2.1"}, "TRACKLET_HTTP_HOST", "127.0.0.1"),
        ({"TRACKLET_HTTP_HOST": "no such host"}, "TRACKLET_HTTP_HOST", "127.0.0.1"),
        ({"TRACKLET_HTTP_PORT": "taken"}, "TRACKLET_HTTP_PORT", "another program uses that port."),
    ],
)
def test_what_only_shows_when_the_bot_listens_ends_the_start_as_well(
    slack: Playground, environment: dict[str, str], changes: dict[str, str], setting: str, told: str
) -> None:
    changes = {name: str(slack.port) if value == "taken" else value for name, value in changes.items()}
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "serve"], env=own() | environment | changes, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    said = ended.stderr.strip().splitlines()[-1]
    assert said.startswith(setting)
    assert told in said
    assert "Traceback" not in ended.stderr
    assert "wrong" not in ended.stderr


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"TRACKLET_HTTP_PORT": "taken"}, "another program uses that port"),
        ({"SLACK_BOT_TOKEN": "xoxb-wrong"}, "invalid_auth"),
        ({"SLACK_APP_TOKEN": "xapp-wrong"}, "invalid_auth"),
    ],
)
def test_what_hinders_the_start_is_found_before_any_job_goes_on(
    slack: Playground, environment: dict[str, str], tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    async def left_behind() -> None:
        store = Store(Database(f"sqlite:///{tmp_path / 'data' / 'tracklet.sqlite'}"))
        await store.create_tables()
        source = Source(SourceKind.LINK, "https://clips.invalid/clip.mp4", "clip.mp4")
        channel = slack.channel_id("general")
        await store.add_job(JobId("link:1:1"), Request(source, team="T1", channel=channel, user="U1", thread_ts="1.1"))
        store.close()

    asyncio.run(left_behind())
    calls = len(slack.calls)
    changes = {name: str(slack.port) if value == "taken" else value for name, value in changes.items()}
    ended = subprocess.run(
        [sys.executable, "-m", "bot", "serve"], env=own() | environment | changes, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert told in ended.stderr
    assert {call.method for call in slack.calls[calls:]} <= {"auth.test", "apps.connections.open"}


@pytest.mark.skipif(sys.platform == "win32", reason="no signals between processes")
def test_two_programs_do_not_work_in_one_folder(slack: Playground, environment: dict[str, str], tmp_path: Path) -> None:
    there = own() | environment
    with subprocess.Popen([sys.executable, "-m", "bot", "serve"], env=there, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert any("listening on" in line for line in process.stderr)
        second = subprocess.run([sys.executable, "-m", "bot", "serve"], env=there, capture_output=True, text=True, check=False)
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
    assert process.returncode == 0
    assert second.returncode == 2
    (said,) = second.stderr.strip().splitlines()
    assert said.startswith("TRACKLET_DATA_DIR can't be")
    assert "another Tracklet works in that folder" in said


@pytest.mark.parametrize("word", ["invalid_auth", "token_revoked", "account_inactive"])
def test_an_app_token_that_slack_takes_back_ends_the_program_with_its_sentence(
    slack: Playground, there: asyncio.AbstractEventLoop, environment: dict[str, str], word: str
) -> None:
    async def take_back() -> None:
        await slack.socket.opened.wait()
        slack.faults.refuse("apps.connections.open", word, times=1000)
        await slack.socket.refresh()

    given = own() | environment | {"SLACK_APP_TOKEN": APP_TOKEN}
    quick = "import bot.app\nbot.app.SOCKET_CHECK_S = 0.1\nfrom bot.cli.commands import main\nmain()\n"
    with subprocess.Popen([sys.executable, "-c", quick, "serve"], env=given, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert any("listening on" in line for line in process.stderr)
        asyncio.run_coroutine_threadsafe(take_back(), there).result(timeout=60)
        said = process.stderr.readlines()
    slack.faults.clear()
    assert process.returncode == 2
    assert said[-1].startswith(f"SLACK_APP_TOKEN can't be used: Slack refuses this token ({word}).")
    assert "Traceback" not in "".join(said)


def test_a_start_says_where_it_listens_with_the_time_and_nothing_else(slack: Playground, environment: dict[str, str]) -> None:
    there = own() | environment | {"SLACK_APP_TOKEN": APP_TOKEN}
    with subprocess.Popen([sys.executable, "-m", "bot", "serve"], env=there, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = []
        for line in process.stderr:
            said.append(line)
            if "listening on" in line:
                break
        process.send_signal(signal.SIGTERM)
        said += process.stderr.readlines()
    assert process.returncode == 0
    (line,) = (line for line in said if "opening a connection to Slack" not in line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO bot\.app: listening on http://\S+ and Socket Mode\n", line)


def test_a_start_asks_no_server_for_credentials(slack: Playground, environment: dict[str, str], tmp_path: Path) -> None:
    """A metadata server that accepts and says nothing would hold it up for long."""
    with socket.create_server(("127.0.0.1", 0)) as metadata:
        metadata.setblocking(False)
        host = f"127.0.0.1:{metadata.getsockname()[1]}"
        google = {"GCE_METADATA_HOST": host, "GCE_METADATA_IP": host, "CLOUDSDK_CONFIG": str(tmp_path)}
        buckets = {f"TRACKLET_{place}_BUCKET": f"{place.lower()}-bucket" for place in ("VIDEO", "ANNOTATION", "OBJECT")}
        there = own() | environment | google | buckets
        with subprocess.Popen([sys.executable, "-m", "bot", "serve"], env=there, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr
            said = next(line for line in process.stderr if "listening on" in line or "ERROR" in line)
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
        assert "listening on" in said
        with pytest.raises(BlockingIOError):
            metadata.accept()


def test_a_taken_port_of_the_demo_is_told_with_its_option(run: Run, slack: Playground) -> None:
    status, _, err = run("demo", "--no-browser", "--port", slack.port)
    assert status == 2
    assert f"--port can't be {slack.port}: another program uses that port" in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="no signals between processes")
def test_a_demo_takes_a_free_port_where_its_own_is_taken_and_needs_no_home() -> None:
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # another program has it: all the better
            stack.enter_context(socket.create_server(("127.0.0.1", 8321)))
        there = own() | {"HOME": "/dev/null", "TRACKLET_ENGINE": "motion"}
        command = [sys.executable, "-m", "bot", "demo", "--no-browser"]
        with subprocess.Popen(command, env=there, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr
            said = next((line for line in process.stderr if line.startswith("Open ")), "")
            process.send_signal(signal.SIGTERM)
            left = process.stderr.read()
        assert re.match(r"Open http://127\.0\.0\.1:(?!8321/)\d+/", said)
        assert process.returncode == 0
        assert left == ""


def test_a_demo_without_a_temporary_folder_says_which_variable_to_set(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/dev/null")
    status, _, err = run("demo", "--no-browser", "--port", 0)
    assert status == 2
    assert "TMPDIR can't be" in err
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="no signals between processes")
def test_without_network_the_start_says_so_once_and_waits_until_it_is_ended(environment: dict[str, str]) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    there = own() | environment | {"TRACKLET_SLACK_API_URL": f"http://{nobody}/api/"}
    with subprocess.Popen([sys.executable, "-m", "bot", "serve"], env=there, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        said = []
        for line in process.stderr:
            said.append(line)
            if "does not answer" in line:
                break
        process.send_signal(signal.SIGTERM)
        said += process.stderr.readlines()
    assert process.returncode == 0
    assert [nobody in line for line in said if "does not answer" in line] == [True]
    assert "Traceback" not in "".join(said)


def test_what_was_not_foreseen_shows_its_log(tmp_path: Path, environment: dict[str, str]) -> None:
    broken = "import bot.app\ndel bot.app.serve\nfrom bot.cli.commands import main\nmain()\n"
    ended = subprocess.run(
        [sys.executable, "-c", broken, "serve"], env=own() | environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "Traceback" in ended.stderr
    assert "ImportError" in ended.stderr
    assert ended.stderr.strip().endswith("Please report them.")
