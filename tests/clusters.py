"""PostgreSQL servers of one's own, each in a folder that goes with it.

One that a killed run has left ends by itself within a minute of its folder: that goes when the next run makes its own.
"""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.served import free_port

PREFIX = "kp7-postgres-"
LEFT_OVER_SECONDS = 6 * 3600
SAFE = "-c fsync=on"
# Whoever stops it as it should be stopped loses nothing. It is for tests that do not ask what a power failure leaves.
QUICK = "-c fsync=off -c full_page_writes=off -c autovacuum=off"


def _programs() -> Path:
    found = shutil.which("pg_ctl")
    folders = [Path(found).parent] if found else [Path(name) for name in glob.glob("/usr/lib/postgresql/*/bin")]
    if not folders:
        pytest.skip("PostgreSQL's own programs (initdb, pg_ctl) are not installed here")
    return max(folders)


class Cluster:
    def __init__(self, folder: Path, options: str) -> None:
        self._programs, self._folder, self._port, self._how = _programs(), folder, free_port(), options
        self._as: tuple[str, ...] = ()
        if os.geteuid() == 0:  # it refuses to run as root
            user = next((name for name in ("postgres", "nobody") if _exists(name)), None)
            if user is None or not shutil.which("runuser"):
                pytest.skip("PostgreSQL does not run as root, and there is nobody else here")
            shutil.chown(folder, user)
            self._as = ("runuser", "-u", user, "--")
        self._run("initdb", "--auth=trust", "--username=kp7", "--encoding=UTF8", "--locale=C", "--no-sync")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://kp7@127.0.0.1:{self._port}/postgres"

    @property
    def _options(self) -> str:
        return f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' {self._how}"

    def _run(self, program: str, *words: str) -> None:
        command = (*self._as, str(self._programs / program), "--pgdata", str(self._folder / "data"), *words)
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self._folder, text=True)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        self._run("pg_ctl", "start", "--wait", "--options", self._options, "--log", str(self._folder / "server.log"))

    def stop(self) -> None:
        """No goodbye to anybody: what was not on the disk is gone, and is looked for when it starts again."""
        self._run("pg_ctl", "stop", "--wait", "--mode", "immediate")

    def restart_at_once(self) -> None:
        self.stop()
        self.start()


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


@contextmanager
def a_cluster(options: str = SAFE) -> Iterator[Cluster]:
    """Skips the test where there can be none."""
    for old in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if old.stat().st_mtime < time.time() - LEFT_OVER_SECONDS:
            shutil.rmtree(old, ignore_errors=True)
    # not below pytest's own folder, which other users may not enter
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        cluster = Cluster(Path(folder), options)
        try:
            yield cluster
        finally:
            cluster.stop()
