"""What a child process can take and do: each bound is run into, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.jobs import error_codec as failures
from bot.jobs.isolation import Isolation
from bot.jobs.limits import ChildLimits, bounded_memory, limits_of, too_costly
from tracking.errors import TooCostly

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has this")

AS_A_CHILD = """
import sys
from bot.jobs import processes as children
from bot.jobs import tasks as work
def task(arguments, report):
{body}
work.TASKS[sys.argv[1]] = task
children.main(sys.argv[1])
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


def as_a_child(body: str, *, task: str = "summary") -> dict[str, Any]:
    """What a child answers whose task is `body`."""
    indented = "\n".join(f"    {line}" for line in body.splitlines())
    command = [sys.executable, "-c", AS_A_CHILD.format(body=indented), task]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps({"duration_s": 1.0}) + "\n")
        child.stdin.flush()
        # The pipe stays open until the answer is there: a child ends with its parent.
        answer: dict[str, Any] = json.loads(child.stdout.readline())
    return answer


def limited(body: str, **limits: float) -> subprocess.CompletedProcess[str]:
    """A process under these limits that does `body`."""
    head = f"from bot.jobs.limits import ChildLimits, impose\nimpose(ChildLimits(**{limits!r}))\n"
    return run(head + body)


@linux_only
def test_a_child_that_takes_too_much_memory_answers_with_the_bound() -> None:
    answer = as_a_child("return len(bytearray(1 << 34))")
    error = failures.from_json(answer["error"])
    assert isinstance(error, TooCostly)
    assert (error.resource, error.limit) == ("memory", limits_of("summary", {}).memory_bytes)


@linux_only
def test_numpy_and_ffmpeg_get_no_more_memory_either() -> None:
    answer = as_a_child("import numpy\nreturn int(numpy.ones(1 << 31).size)")
    assert answer["error"]["kind"] == "TooCostly"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bound")
def test_a_child_that_computes_too_long_is_ended_and_told() -> None:
    limits = ChildLimits(cpu_s=1.0)
    done = limited("while True: pass", cpu_s=0.0)
    told = too_costly(done.returncode, limits)
    assert told is not None
    assert (told.resource, told.limit) == ("time", 1)
    assert too_costly(-9, limits) is None
    assert too_costly(1, limits) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bound")
def test_a_file_grows_no_larger_than_it_may(tmp_path: Path) -> None:
    path = tmp_path / "written"
    done = limited(f"open({str(path)!r}, 'wb').write(bytes(100_000))", cpu_s=60.0, file_bytes=50_000)
    assert "File too large" in done.stderr
    assert path.stat().st_size <= 50_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such bound")
def test_only_so_many_files_are_open_and_no_core_is_dumped() -> None:
    assert "Too many open files" in limited("files = [open('/dev/null') for _ in range(60)]", cpu_s=60.0, open_files=40).stderr
    done = limited("import resource; print(resource.getrlimit(resource.RLIMIT_CORE))", cpu_s=60.0)
    assert done.stdout.strip() == "(0, 0)"


CONNECT = """
import socket, threading
def reach():
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        try:
            socket.socket(family).close()
            reached.append(family.name)
        except OSError:
            pass
reached = []
thread = threading.Thread(target=reach)
thread.start()
thread.join()
reach()
return {"reached": reached}
"""


@linux_only
@pytest.mark.parametrize("task", ["probe", "track", "summary", "animations"])
def test_a_child_that_opens_foreign_files_has_no_network(task: str) -> None:
    assert as_a_child(CONNECT, task=task)["result"] == {"reached": []}


def test_the_child_that_fetches_a_model_has_the_network() -> None:
    assert "AF_INET" in as_a_child(CONNECT, task="choose")["result"]["reached"]


EXECUTE = """
import os, subprocess, sys
try:
    subprocess.run([sys.executable, "--version"])
except OSError as error:
    return {"refused": error.strerror}
return {}
"""


@linux_only
def test_a_child_starts_no_program() -> None:
    assert as_a_child(EXECUTE)["result"] == {"refused": "Operation not permitted"}


@linux_only
def test_isolation_says_what_holds() -> None:
    done = run("from bot.jobs.isolation import isolate; print(isolate())")
    assert done.stdout.strip() in {Isolation.SECCOMP, Isolation.NAMESPACE}


@linux_only
def test_the_command_line_is_bounded_while_it_works_and_free_again_after() -> None:
    def ask() -> int:
        return len(bytearray(1 << 35))

    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    with bounded_memory(), pytest.raises(MemoryError):
        ask()
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_longer_video_may_take_longer() -> None:
    assert limits_of("track", {"duration_s": 60.0}).cpu_s < limits_of("track", {"duration_s": 600.0}).cpu_s
    assert limits_of("probe", {"max_video_seconds": 3600.0}).cpu_s < limits_of("track", {"max_video_seconds": 3600.0}).cpu_s
