"""The child: limits itself, shuts itself in, reads one job, answers it, and is gone. Runs only in its own process.

Or it becomes another program, as limited and shut in as itself, which reads the job and answers it.
"""

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn, Protocol

from bot.papers import jail, wire
from bot.papers.shapes import Reason, Refusal, Refused

Answer = tuple[dict[str, Any], list[bytes]]


class Job(Protocol):
    """What each job's module has: words and files in, words and files out. Raises `Refusal`."""

    def __call__(self, words: dict[str, Any], blobs: list[bytes]) -> Answer: ...


# One module a job: nothing is imported for the others, as imports are most of what a small job costs.
JOBS = {
    "take": "bot.papers.taking",
    "page": "bot.papers.photo",
    "bind": "bot.papers.binding",
    "search": "bot.papers.searching",
    "stamp": "bot.papers.stamping",
    "preview": "bot.papers.viewing",
    "draw": "bot.papers.drawing",
    "typeset": "bot.papers.typesetting",
    "text": "bot.papers.extracting",
}


# None of it is secret: the standard library, and chance, which qpdf reads from there when it opens a locked file.
READABLE = (os.path.dirname(os.__file__), "/dev/urandom")
# Where programs lie, with what belongs to them.
PROGRAMS = ("/usr", "/lib", "/lib64", "/opt", "/nix/store", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "OMP_THREAD_LIMIT": "1"}  # side by side, threads only wait for each other


def main(arguments: Sequence[str]) -> None:
    packages, name, *rest = arguments
    memory, cpu_seconds, answer_bytes, parent = map(int, rest[:4])
    jail.limit(memory, cpu_seconds, answer_bytes)
    if program := rest[4:]:
        become(program, parent)
    job: Job = import_module(JOBS[name]).job
    jail.shut(parent, [*READABLE, *packages.split("\n")])
    with os.fdopen(0, "rb", closefd=False) as question:
        words, blobs = wire.unpack(question.read())
    answer = answered(job, words, blobs)
    with os.fdopen(1, "wb", closefd=False) as out:
        out.write(answer)
    os._exit(0)  # nothing to tidy, and no library's destructor to trip over


def become(program: list[str], parent: int) -> NoReturn:
    places = [place for place in (*PROGRAMS, os.path.dirname(program[0])) if os.path.exists(place)]
    jail.shut(parent, places, program=True)
    os.execve(program[0], program, ENVIRONMENT)  # noqa: S606 - what the operator has named


def answered(job: Job, words: dict[str, Any], blobs: list[bytes]) -> bytes:
    fault = ""
    try:
        header, results = job(words, blobs)
        return wire.pack(header, results)
    except Refusal as refusal:
        refused = refusal.refused
    except (MemoryError, RecursionError):
        refused = Refused(Reason.TOO_MUCH_WORK)
    except Exception as error:  # what parsers raise over bad files is without number
        refused, fault = Refused(Reason.UNREADABLE), type(error).__name__
    return wire.pack({"refused": refused.reason, "found": refused.found, "limit": refused.limit, "fault": fault}, [])
