"""
A clock of the day that can be moved for one process and its children, while it runs and without any right.

A few lines of C stand between a program and the C library's clock of the day; how far they move it is read from a file that all
have in common. The steady clock, files' dates and the database's own clock stay as they are, as they do where one of several
machines has a wrong clock.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile long *moved_s;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CHAOS_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *found = mmap(NULL, sizeof(long), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED) moved_s = found;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, at);
    if (!result && moved_s && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) at->tv_sec += *moved_s;
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    struct timespec now;
    (void) zone;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *at) {
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


def compiled(folder: Path) -> Path | None:
    """Return the library for `Clock`, made in `folder`; None where there is no compiler, or not Linux."""
    compiler = shutil.which("cc")
    if compiler is None or not Path("/proc/self/environ").exists():
        return None
    source, library = folder / "clock.c", folder / "clock.so"
    source.write_text(SOURCE)
    made = subprocess.run(
        (compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"), capture_output=True, check=False
    )
    return library if made.returncode == 0 else None


class Clock:
    """The clock of one process; `environment` is what it must be started with."""

    def __init__(self, path: Path, library: Path) -> None:
        self._path = path
        self.environment = {"CHAOS_CLOCK": str(path), "LD_PRELOAD": str(library)}
        path.write_bytes(struct.pack("l", 0))

    def move(self, seconds: int) -> None:
        """Let the clock be so many seconds ahead of the machine's, or behind it."""
        with self._path.open("r+b", buffering=0) as file:
            file.write(struct.pack("l", seconds))
