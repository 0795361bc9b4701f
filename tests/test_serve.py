"""`kp7 serve` as a process: refuses to start with what is wrong, starts quickly, stops without losing anything."""

import asyncio
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from base64 import b64encode
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import app, faults
from bot.app import running
from bot.settings import Settings
from storage.database import Unavailable
from tests.house import KEY
from tests.served import COMMAND, ROOT, Served, environment, exchange, free_port, get, until_closed

# --- refusing to start ------------------------------------------------------------------------------------------------

SECRET = "0123456789abcdef" * 2
TOKEN = "Zx9+" * 43
URL = "https://kp7.example.go.th"


def start(folder: Path, **settings: object) -> tuple[int, str]:
    """→ exit code and what it says on standard error"""
    env = {name: value for name, value in environment(folder, **settings).items() if value}
    done = subprocess.run(COMMAND, env=env, cwd=folder, capture_output=True, text=True, timeout=90, check=False)
    assert not done.stdout
    return done.returncode, done.stderr


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    code, said = start(
        tmp_path, master_key="", smtp_host="", web_chat="", line_channel_secret="x" * 32, code_digits=5, public_url=URL
    )
    assert code == 3
    for name in ("MASTER_KEY", "SMTP_HOST", "LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "CODE_DIGITS"):
        assert re.search(rf"^{name} ", said, re.MULTILINE), f"{name} not in: {said}"
    assert "openssl rand -base64 32" in said
    assert "Basic settings" in said
    assert "Messaging API" in said
    assert not (tmp_path / "kp7.db").exists()


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    code, said = start(tmp_path, master_key="c2hvcnQ=", line_channel_secret="changeme-but-secret", public_url=URL)
    assert code == 3
    assert "c2hvcnQ" not in said
    assert "but-secret" not in said


def test_no_channel_names_both(tmp_path: Path) -> None:
    code, said = start(tmp_path, web_chat="", public_url=URL)
    assert code == 3
    assert "WEB_CHAT=1" in said
    assert "LINE_CHANNEL_SECRET" in said


def test_other_commands_need_no_channel(tmp_path: Path) -> None:
    env = environment(tmp_path, web_chat=0, public_url=URL)
    done = subprocess.run(
        (*COMMAND[:-1], "migrate"), env=env, cwd=tmp_path, capture_output=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr


def wrong(**given: object) -> dict[str, str]:
    settings = Settings(
        _env_file=None,
        **{
            "master_key": b64encode(bytes.fromhex("8a1fd2c37be4905663aa0cf81e7d42b9c5708f36e12b94da57086cfb3d91a2e4")),
            "public_url": URL,
            "web_chat": True,
            **given,
        },  # type: ignore[arg-type]
    )
    return dict(faults.unsafe(settings))


def test_nothing_is_wrong_with_the_real_thing() -> None:
    assert wrong() == {}
    assert wrong(web_chat=False, line_channel_secret=SECRET, line_channel_access_token=TOKEN) == {}
    assert wrong(line_channel_secret=SECRET, line_channel_access_token=TOKEN, line_api_url="http://127.0.0.1:9") == {}


@pytest.mark.parametrize(
    "key",
    [
        bytes(32),
        b"\xff" * 32,
        bytes(range(32)),
        bytes(range(64, 0, -1)),
        b"changeme" * 4,
        bytes.fromhex("deadbeef") * 8,
    ],
)
def test_a_key_that_can_be_guessed(key: bytes) -> None:
    assert list(wrong(master_key=b64encode(key).decode())) == ["master_key"]


@pytest.mark.parametrize("edge", [b"<", b">", b"...", b"\xe2\x80\xa6", b"your-"])
def test_random_bytes_that_happen_to_hold_a_mark(edge: bytes) -> None:
    """One key in seventy begins or ends so, as far as its letters go."""
    rest = bytes.fromhex("8a1fd2c37be4905663aa0cf81e7d42b9c5708f36e12b94da57086cfb3d91a2e4")[len(edge) :]
    assert wrong(master_key=b64encode(edge + rest).decode()) == {}
    assert wrong(master_key=b64encode(rest + edge).decode()) == {}


def test_the_key_of_the_tests_is_no_key() -> None:
    assert list(wrong(master_key=KEY)) == ["master_key"]


@pytest.mark.parametrize(
    "secret",
    ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "your-channel-secret", "<channel secret of the console here>", "changeme" * 4,
     "0" * 32, "a" * 31 + "ก", SECRET + " ", SECRET[:7], "abc\x7f" * 10],
)  # fmt: skip
def test_a_secret_that_is_none(secret: str) -> None:
    assert "line_channel_secret" in wrong(line_channel_secret=secret, line_channel_access_token=TOKEN)
    assert "line_channel_access_token" in wrong(line_channel_secret=SECRET, line_channel_access_token=secret)


def test_one_of_two() -> None:
    assert "“Messaging API”" in wrong(line_channel_secret=SECRET)["line_channel_access_token"]
    assert "“Basic settings”" in wrong(line_channel_access_token=TOKEN)["line_channel_secret"]


@pytest.mark.parametrize("url", ["http://kp7.example.go.th", "ftp://127.0.0.1", "kp7.example.go.th", "https://"])
def test_what_others_could_read_along(url: str) -> None:
    assert "public_url" in wrong(public_url=url)
    assert "line_api_url" in wrong(line_channel_secret=SECRET, line_channel_access_token=TOKEN, line_api_url=url)


# --- starting ---------------------------------------------------------------------------------------------------------

NEEDLESS = ("linebot", "telegram", "pypdf", "pikepdf", "pypdfium2", "PIL", "babel", "python_calamine", "xlsxwriter",
            "rich.progress", "obstore", "hypothesis")  # fmt: skip


def test_serving_imports_nothing_that_it_does_not_need() -> None:
    code = "import sys, bot.cli, bot.serve; print(*sys.modules)"
    done = subprocess.run(
        (sys.executable, "-c", code), cwd=ROOT, capture_output=True, text=True, timeout=90, check=True
    )
    assert "uvloop" in done.stdout
    assert sorted(set(NEEDLESS) & set(done.stdout.split())) == []


def test_it_says_what_it_is_when_it_starts_and_that_it_stops(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        assert served.stop() == 0
    started, stopped = (json.loads(line) for line in served.log.read_text().splitlines())
    assert started["event"] == "started"
    assert (started["channels"], started["database"]) == (["web"], "sqlite")
    assert started["version"]
    assert stopped["event"] == "stopped"


def test_a_second_server_on_the_same_file_refuses_and_harms_nobody(tmp_path: Path) -> None:
    """Two would carry the same messages, each on its own."""
    key = b64encode(os.urandom(32)).decode()
    with Served(tmp_path, master_key=key) as served:
        code, said = start(tmp_path, port=free_port(), public_url="http://127.0.0.1", master_key=key)
        assert code not in (0, 2)
        assert re.fullmatch(r"Another `kp7 serve` is running on \S*kp7\.db\.\n", said)
        assert b" 200 " in exchange(served.port, get("/readyz"))
        served.process.kill()
        served.process.wait()
    with Served(
        tmp_path, master_key=key
    ) as next_one:  # a lock that outlived its process would need an operator at night
        assert next_one.stop() == 0


# --- stopping ---------------------------------------------------------------------------------------------------------


def test_what_was_accepted_is_answered_committed_and_delivered(tmp_path: Path) -> None:
    body = json.dumps({"id": str(uuid.uuid4()), "open": True}).encode()
    with Served(tmp_path) as served, socket.create_connection(("127.0.0.1", served.port), timeout=60) as guest:
        page = exchange(served.port, get("/chat")).decode()
        cookie = re.search(r"set-cookie: (kp7=[\w-]+)", page)
        assert cookie
        stream = socket.create_connection(("127.0.0.1", served.port), timeout=60)  # an open page must not hold it up
        stream.sendall(f"GET /chat/stream HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookie[1]}\r\n\r\n".encode())
        assert b"200" in stream.recv(100)
        guest.sendall(
            f"POST /chat/people/1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookie[1]}\r\n"
            f"content-length: {len(body)}\r\nexpect: 100-continue\r\n\r\n".encode()
        )
        assert b" 100 " in guest.recv(100)  # accepted: the application waits for the body
        begun = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        _wait_until_nobody_listens(served.port)
        guest.sendall(body)
        assert b" 200 " in until_closed(guest)
        with closing(stream):
            until_closed(stream)
        assert served.process.wait(60) == 0
        assert time.monotonic() - begun < 20
    with closing(sqlite3.connect(tmp_path / "kp7.db")) as database:
        assert database.execute("SELECT count(*) FROM inbox").fetchone() == (1,)
        assert database.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM chat_messages").fetchone() == (1,)


def test_half_a_request_does_not_hold_it_up(tmp_path: Path) -> None:
    head = b"POST /chat/people/1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\n{"
    with Served(tmp_path) as served, socket.create_connection(("127.0.0.1", served.port), timeout=60) as guest:
        guest.sendall(head)
        exchange(served.port, get("/healthz"))
        begun = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - begun < 20


@pytest.mark.parametrize("ill", ["schedule", "turn", "outbox", "pulse"])
async def test_a_part_that_cannot_stop_well_keeps_no_other_from_stopping(
    tmp_path: Path, ill: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the pulse, when the database is gone by then: it has a row to delete."""
    stopped = []

    def stopping(part: Any, name: str) -> None:
        real = getattr(part, "close" if name == "line" else "stop")

        async def stops() -> None:
            await real()
            stopped.append(name)
            if name == ill:
                raise Unavailable("gone")

        monkeypatch.setattr(part, real.__name__, stops)

    parts = ("web", "schedule", "turn", "outbox", "pulse", "line")
    url = f"sqlite:///{tmp_path}/kp7.db"
    line = {"line_channel_secret": SECRET, "line_channel_access_token": TOKEN}
    settings = Settings(_env_file=None, database_url=url, master_key=KEY, web_chat=True, **line)  # type: ignore[arg-type]
    with structlog.testing.capture_logs() as said:
        async with running(settings) as kp7:
            for name in parts:
                stopping(getattr(kp7, name), name)
    assert stopped == list(parts)
    assert [(line["event"], line["part"], line["error"]) for line in said] == [("stopped_badly", ill, "Unavailable")]


async def test_what_does_not_start_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def falls_ill(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "stay_erased", falls_ill)
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/kp7.db", master_key=KEY)
    with pytest.raises(ZeroDivisionError):
        async with running(settings):
            pass
    assert "pulse" not in {task.get_name() for task in asyncio.all_tasks()}
    with closing(sqlite3.connect(tmp_path / "kp7.db")) as database:
        assert database.execute("SELECT count(*) FROM processes").fetchone() == (0,), "who is gone blocks no rotation"


async def test_it_stops_when_the_database_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/kp7.db", master_key=KEY, web_chat=True)

    def gone() -> None:
        raise Unavailable("couldn't get a connection")

    async with running(settings) as kp7:
        monkeypatch.setattr(kp7.database, "write", gone)


def _wait_until_nobody_listens(port: int) -> None:
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    raise AssertionError("it still takes connections")


# --- several processes ------------------------------------------------------------------------------------------------


def kp7(folder: Path, *words: str, **settings: object) -> tuple[int, str]:
    """→ exit code and all that it says"""
    done = subprocess.run(
        (*COMMAND[:-1], *words),
        env=environment(folder, public_url=URL, **settings), cwd=folder, text=True, timeout=90, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize("part", ["web", "worker"])
def test_a_file_is_for_one_process(tmp_path: Path, part: str) -> None:
    code, said = kp7(tmp_path, part)
    assert code == 3
    assert "run `kp7 serve`" in said
    assert not (tmp_path / "kp7.db").exists()


def test_a_database_that_does_not_answer_is_named_and_may_answer_later(tmp_path: Path) -> None:
    away = {"database_url": "postgresql://kp7:s3cret@127.0.0.1:1/kp7", "erased_file": "e", "files_url": "file:///files"}
    for command in (["serve"], ["migrate"]):
        code, said = kp7(tmp_path, *command, **away)
        assert code == 1
        assert said.startswith("DATABASE_URL")
        assert "Traceback" not in said
        assert "s3cret" not in said


def test_an_address_of_no_database_is_a_wrong_setting(tmp_path: Path) -> None:
    code, said = kp7(tmp_path, "serve", database_url="mysql://127.0.0.1/kp7", erased_file="e")
    assert code == 3
    assert said.startswith("DATABASE_URL names a kind of database that KP7 does not know.")


def test_an_office_moves_and_is_served_by_web_and_worker(tmp_path: Path, postgres_url: str) -> None:
    key = b64encode(os.urandom(32)).decode()
    assert kp7(tmp_path, "import", "organisations", str(ROOT / "samples/organisations.csv"), master_key=key)[0] == 0
    code, said = kp7(tmp_path, "database", "copy", "--to", postgres_url, "--json", master_key=key)
    assert code == 0, said
    assert json.loads(said)["organisations"] == len((ROOT / "samples/organisations.csv").read_text().splitlines()) - 1
    code, said = kp7(tmp_path, "database", "copy", "--to", postgres_url, master_key=key)
    assert code == 1
    assert "not empty" in said
    port = free_port()
    there = {
        "database_url": postgres_url,
        "erased_file": tmp_path / "erased",
        "files_url": (tmp_path / "files").as_uri(),
    }
    env = environment(tmp_path, master_key=key, port=port, public_url=URL, **there)
    logs = [(tmp_path / part).open("wb") for part in ("web", "worker")]
    running = [
        subprocess.Popen((*COMMAND[:-1], part), env=env, cwd=tmp_path, stdout=log, stderr=log)
        for part, log in zip(("web", "worker"), logs, strict=True)
    ]
    try:
        until = time.monotonic() + 60
        while '"event": "started"' not in (tmp_path / "worker").read_text() or not ready(port):
            assert [process.poll() for process in running] == [None, None]
            assert time.monotonic() < until
            time.sleep(0.05)
        for process in running:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(60) for process in running] == [0, 0]
    finally:
        for process, log in zip(running, logs, strict=True):
            process.kill()
            process.wait()
            log.close()


def ready(port: int) -> bool:
    try:
        return b" 200 " in exchange(port, get("/readyz"))
    except OSError:
        return False


def test_a_file_that_is_being_served_is_not_copied(tmp_path: Path, postgres_url: str) -> None:
    key = b64encode(os.urandom(32)).decode()
    with Served(tmp_path, master_key=key):
        code, said = kp7(tmp_path, "database", "copy", "--to", postgres_url, master_key=key)
    assert code == 1
    assert "is running" in said
