"""What the child takes from itself before it reads a byte of anybody's file. Only the standard library.

The limits of the operating system must hold: without them there is no child. The rest is taken where the kernel, or
whatever KP7 runs under, allows it: systemd's `RestrictNamespaces` forbids namespaces, a container may forbid Landlock.
Each stands for itself: a seccomp filter (no sockets, no other processes, no looking into those there are), Landlock (no
files but the interpreter's own, no signals), and a network namespace with nothing in it.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Sequence
from contextlib import suppress

NICE = 10  # papers stand back behind messages

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWNET = 0x08000000, 0x10000000, 0x40000000


def limit(memory: int, cpu_seconds: int, answer_bytes: int) -> None:
    """The limits that must hold; OSError or ValueError where one does not. `memory` in bytes of address space."""
    for which, most, beyond in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_AS, memory, 0),
        (resource.RLIMIT_CPU, cpu_seconds, 1),  # a second between SIGXCPU, which says why, and SIGKILL
        (resource.RLIMIT_NOFILE, 64, 0),
        (resource.RLIMIT_FSIZE, answer_bytes, 0),
    ):
        hard = resource.getrlimit(which)[1]
        hard = most + beyond if hard == resource.RLIM_INFINITY else min(most + beyond, hard)
        resource.setrlimit(which, (min(most, hard), hard))
    with suppress(OSError):
        os.nice(NICE)


def shut(parent: int, readable: Sequence[str], *, program: bool = False) -> set[str]:
    """Takes away files, network and other programs; → what could be taken. What is `readable` stays so.

    Everything that will be needed must have been imported. `parent` is the process to die with. `program`: what is
    readable may also be run, for who is about to become another program.
    """
    if sys.platform != "linux":
        return set()
    libc = ctypes.CDLL(None, use_errno=True)
    taken = set()
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs")
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit(0)  # it died before we said that we would go with it
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if not libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC):
        taken.add("namespaces")
    if _landlock(libc, readable, _READ_FILE | (_EXECUTE if program else 0)):
        taken.add("landlock")
    if _seccomp(libc, program):
        taken.add("seccomp")
    return taken


# --- Landlock: linux/landlock.h ---------------------------------------------------------------------------------------

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}


def _landlock(libc: ctypes.CDLL, readable: Sequence[str], rights: int) -> bool:
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    # files; from version 4 on TCP; from version 6 on abstract sockets and signals
    attributes = struct.pack("=Q", _RIGHTS[min(version, 5)])
    attributes += struct.pack("=Q", 3) if version >= 4 else b""
    attributes += struct.pack("=Q", 3) if version >= 6 else b""
    rules = libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    try:
        for path in readable:
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = struct.pack("=Qi", rights | (_READ_DIR if os.path.isdir(path) else 0), handle)
            failed = libc.syscall(_ADD_RULE, rules, 1, rule, 0)
            os.close(handle)
            if failed:
                return False
        return not libc.syscall(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)


# --- seccomp: linux/seccomp.h, linux/filter.h -------------------------------------------------------------------------

# socket, connect, sendto, execve, execveat, ptrace, process_vm_readv, process_vm_writev, kill, pidfd_open, pidfd_getfd,
# open_by_handle_at, io_uring_setup, bpf, perf_event_open, userfaultfd, memfd_create and shmget (memory that no limit
# counts), and on x86-64 fork and vfork
_FORBIDDEN = {
    "x86_64": (41, 42, 44, 59, 322, 101, 310, 311, 62, 434, 438, 304, 425, 321, 298, 323, 319, 29, 57, 58),
    "aarch64": (198, 203, 206, 221, 281, 117, 270, 271, 129, 434, 438, 265, 425, 280, 241, 282, 279, 194),
}
_EXEC = {"x86_64": (59, 322), "aarch64": (221, 281)}  # of these
_ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Threads may be made (libheif decodes in one; RLIMIT_NPROC could not tell them apart), processes may not. What clone3
# is asked for no filter sees: it is said to be unknown, and the C library falls back to clone.
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE3, _CLONE_THREAD = 435, 0x10000
_X32 = 0x40000000  # x86-64's other table of system calls begins here
_ALLOW, _KILL, _EPERM, _ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
_LOAD, _EQUAL, _AT_LEAST, _HAS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # where they stand in struct seccomp_data


def _filter(machine: str, program: bool) -> list[tuple[int, int, int, int]]:
    """(code, to skip if true, to skip if false, value) of each instruction."""
    allowed = _EXEC[machine] if program else ()
    tests = [(_AT_LEAST, _X32), *((_EQUAL, call) for call in _FORBIDDEN[machine] if call not in allowed)]
    to_eperm = len(tests) + 4
    return [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, _ARCHITECTURE[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        *((test, to_eperm - place, 0, value) for place, (test, value) in enumerate(tests)),
        (_EQUAL, 5, 0, _CLONE3),
        (_EQUAL, 0, 2, _CLONE[machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_HAS, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _EPERM),
        (_RETURN, 0, 0, _ENOSYS),
    ]


def _seccomp(libc: ctypes.CDLL, program: bool) -> bool:
    if platform.machine() not in _FORBIDDEN:
        return False
    code = _filter(platform.machine(), program)
    written = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in code))
    filters = ctypes.create_string_buffer(struct.pack("@HP", len(code), ctypes.addressof(written)))
    return not libc.prctl(_PR_SET_SECCOMP, 2, filters, 0, 0)
