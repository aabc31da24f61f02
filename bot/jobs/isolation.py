"""
What a process that opens foreign files cannot do, whatever such a file makes of a decoder: reach the network, start a program,
look into another process.

On Linux a seccomp filter refuses the system calls that these begin with, without any privilege and in containers, too. For a
processor whose numbers are not here, a network namespace of its own takes at least the network, where the system grants one.
macOS and Windows have nothing of the kind for a process to give itself.

Sources: linux/filter.h, linux/seccomp.h, linux/audit.h, and the tables of system calls of the two processors.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from enum import StrEnum

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP = 38, 22
SECCOMP_MODE_FILTER = 2
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000  # refused with EPERM
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
NUMBER_OFFSET, ARCHITECTURE_OFFSET = 0, 4  # in struct seccomp_data
X32_BIT = 0x40000000  # the same calls once more, under other numbers
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000

# AUDIT_ARCH_..., then socket, io_uring_setup (which makes sockets, too), execve, execveat, ptrace, process_vm_readv,
# process_vm_writev, pidfd_getfd.
CALLS: dict[str, tuple[int, tuple[int, ...]]] = {
    "x86_64": (0xC000003E, (41, 425, 59, 322, 101, 310, 311, 438)),
    "aarch64": (0xC00000B7, (198, 425, 221, 281, 117, 270, 271, 438)),
}


class Isolation(StrEnum):
    """What holds."""

    SECCOMP = "seccomp"
    NAMESPACE = "namespace"
    NONE = "none"


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("then", ctypes.c_uint8), ("otherwise", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def isolate() -> Isolation:
    """
    Give up the network, other programs and other processes for good; says what holds.

    To be called before the process has a second thread: a filter is a thread's and those that it starts.
    """
    if sys.platform != "linux":
        return Isolation.NONE
    libc = ctypes.CDLL(None, use_errno=True)
    calls = CALLS.get(platform.machine())
    if calls is not None and _filtered(libc, *calls):
        return Isolation.SECCOMP
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0:
        return Isolation.NAMESPACE
    return Isolation.NONE


def _filtered(libc: ctypes.CDLL, architecture: int, refused: tuple[int, ...]) -> bool:
    # Each refused number jumps over those behind it and the permission, to the refusal.
    lines = [
        (LOAD, 0, 0, ARCHITECTURE_OFFSET),
        (JUMP_EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER_OFFSET),
        (JUMP_AT_LEAST, len(refused) + 1, 0, X32_BIT),
        *((JUMP_EQUAL, len(refused) - place, 0, number) for place, number in enumerate(refused)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    program = _Program(len(lines), (_Instruction * len(lines))(*(_Instruction(*line) for line in lines)))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0)
