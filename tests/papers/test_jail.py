"""What a child that was taken over by its file could still do."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.papers import process

TRY = """
import json, os, socket, subprocess, sys
sys.path.insert(0, sys.argv[1])
from bot.papers import jail
import resource, threading
STATUS = open("/proc/self/status")
answer = os.memfd_create("x")
jail.limit(512 << 20, 10, 1 << 20)
taken = jail.shut(os.getppid(), [os.path.dirname(os.__file__)])

def tried(what):
    try:
        what()
        return "done"
    except BaseException as error:
        return type(error).__name__


print(json.dumps({
    "taken": sorted(taken),
    "socket": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
    "unix": tried(lambda: socket.socket(socket.AF_UNIX)),
    "secret": tried(lambda: open(sys.argv[2]).read()),
    "write": tried(lambda: open(sys.argv[3], "w")),
    "environment": tried(lambda: open(f"/proc/{os.getppid()}/environ", "rb").read()),
    "memory": tried(lambda: open(f"/proc/{os.getppid()}/mem", "rb")),
    "program": tried(lambda: os.execv("/bin/true", ["true"])),
    "signal": tried(lambda: os.kill(os.getppid(), 0)),
    "allocate": tried(lambda: bytearray(1 << 30)),
    "process": tried(os.fork),
    "memory of its own": tried(lambda: os.memfd_create("y")),
    "thread": tried(lambda: threading.Thread(target=str).start()),
    "answer": tried(lambda: os.ftruncate(answer, 2 << 20)),
    "python": tried(lambda: open(os.__file__).read()),
    "nice": os.nice(0),
    "core": resource.getrlimit(resource.RLIMIT_CORE),
    "privileges": next(line.split()[1] for line in STATUS if line.startswith("NoNewPrivs")),
}))
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("jail")
    folder.chmod(0o777)
    secret = folder / "secret"
    secret.write_text("kp7-secret")
    secret.chmod(0o666)
    command = [sys.executable, "-I", "-S", "-c", TRY, str(process.ROOT), str(secret), str(folder / "new")]
    answer = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "MASTER_KEY": "x"})
    tried: dict[str, Any] = json.loads(answer.stdout)
    return tried


def test_what_the_operating_system_always_gives(tried: dict[str, Any]) -> None:
    assert tried["allocate"] == "MemoryError"
    assert tried["answer"] == "OSError"
    assert tried["core"] == [0, 0]
    assert tried["nice"] >= 10
    assert tried["privileges"] == "1"
    assert tried["python"] == tried["thread"] == "done"


def test_no_network_no_programs_no_signals(tried: dict[str, Any]) -> None:
    if "seccomp" not in tried["taken"]:
        pytest.skip("this kernel has no seccomp filter")
    for what in ("socket", "unix", "program", "process", "signal", "memory of its own"):
        assert tried[what] == "PermissionError", what


def test_no_files_but_the_interpreters_own(tried: dict[str, Any]) -> None:
    if "landlock" not in tried["taken"]:
        pytest.skip("this kernel has no Landlock")
    for what in ("secret", "write", "environment", "memory"):
        assert tried[what] == "PermissionError", what


def test_the_child_that_reads_papers_shuts_itself_in_before_it_reads(tmp_path: Path) -> None:
    """A job that cannot be believed to have been read: `jail.shut` stands before it, by the order of the source."""
    source = (process.ROOT / "bot/papers/child.py").read_text()
    assert source.index("jail.limit(") < source.index("import_module(") < source.index("jail.shut(")
    assert source.index("jail.shut(") < source.index("question.read()")
