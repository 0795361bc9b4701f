"""A PostgreSQL server of one's own, in a folder, to be stopped as violently as one likes."""

import asyncio
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

from tests.kill.driver import Ward
from tests.served import free_port


def _programs() -> Path:
    found = shutil.which("pg_ctl")
    folders = [Path(found).parent] if found else [Path(name) for name in glob.glob("/usr/lib/postgresql/*/bin")]
    if not folders:
        pytest.skip("PostgreSQL's own programs (initdb, pg_ctl) are not installed here")
    return max(folders)


class Cluster:
    def __init__(self, folder: Path) -> None:
        self._programs, self._folder, self._port = _programs(), folder, free_port()
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
        return f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=on"

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
def a_cluster() -> Iterator[Cluster]:
    # not below pytest's own folder, which other users may not enter
    with tempfile.TemporaryDirectory(prefix="kp7-postgres-", ignore_cleanup_errors=True) as folder:
        cluster = Cluster(Path(folder))
        try:
            yield cluster
        finally:
            cluster.stop()


async def stop_it(
    ward: Ward, cluster: Cluster, times: int, *, after: tuple[float, float] = (3, 6), away: float = 0.0
) -> None:
    """Each time `after` so many seconds of load. `away`: seconds until it is started again."""
    for n in range(times):
        await asyncio.sleep(ward.chance.uniform(*after))
        if away and n % 2:
            await asyncio.to_thread(cluster.stop)
            await asyncio.sleep(away)
            await asyncio.to_thread(cluster.start)
        else:
            await asyncio.to_thread(cluster.restart_at_once)
        begun, taken = time.monotonic(), ward.record.answers["200"]
        while ward.record.answers["200"] == taken:
            assert time.monotonic() - begun < 60, f"it does not recover: {ward.log}"
            await asyncio.sleep(0.02)
        print(f"taken again {time.monotonic() - begun:.2f} s after it was back")
