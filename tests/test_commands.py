"""What all `kp7` commands share: words instead of tracebacks, who did it, and a terminal that nobody steers."""

import asyncio
import io
import json
import os
import pwd
import re
import socket
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from bot import cli
from bot.commands import files
from bot.commands.common import plain, say, say_json
from bot.commands.common import told as told_of
from bot.doctor.rounds import CHECKS
from bot.settings import Settings
from storage.database import Database
from storage.opening import opened
from tests.cast import ANAN, SOMCHAI
from tests.command import kp7, run, told
from tests.databases import sqlite
from tests.house import KEY, SAMPLES, House, a_house
from tests.journeys.test_officer import asks_hr
from tests.security.tools import rows
from tests.served import ROOT

OTHER_KEY = "pQm3Zt0uV5rWc8XyNnB1KdLe7fGhJ2aS4oIiUuTtRrE="
FORGED = "UPDATE audit_head SET last = 'forged'"


async def sql(house: House, statement: str) -> None:
    async with house.kp7.database.write() as tx:
        await tx.run(statement)


def is_a_sentence(answer: tuple[int, str, str], *, code: int = 1) -> None:
    got, said, complained = answer
    assert (got, said) == (code, ""), answer
    assert len(complained.splitlines()) == 1, complained
    assert "Traceback" not in complained


# --- an audit log that was tampered with ------------------------------------------------------------------------------


async def test_what_cannot_be_written_down_is_not_done_and_every_command_says_why(tmp_path: Path) -> None:
    async with a_house(tmp_path, card_verifier="officer") as house:
        reference = await asks_hr(await house.somebody(), ANAN)
        roster = sqlite(house.kp7.database).path.parent / "roster.csv"
        sample = (SAMPLES / "roster.csv").read_text("utf-8-sig")
        roster.write_text("\n".join(sample.replace("somchai.t@", "somchai.new@").splitlines()[:-1]), "utf-8")
        await sql(house, FORGED)
        tables = ("people", "keys", "identity_checks", "policy", "audit")
        before = [await rows(house, f"SELECT * FROM {table}") for table in tables]
        day = datetime.fromtimestamp(house.clock() / 1000, UTC).date()
        for words in (
            ("policy", "set", "code_minutes", "3", "--from", f"{day.replace(year=day.year + 1)}"),
            ("person", "show", SOMCHAI.national_id),
            ("person", "erase", "--yes", SOMCHAI.national_id),
            ("identity", "list"),
            ("identity", "confirm", reference),
            ("identity", "refuse", reference),
            ("identity", "unblock", SOMCHAI.national_id),
            ("import", "roster", str(roster)),
            ("import", "roster", str(roster), "--full", "--dry-run"),
        ):
            answer = await kp7(house, *words)
            is_a_sentence(answer)
            assert answer[2].startswith("The end of the audit log was tampered with"), words
            assert "`kp7 audit verify`" in answer[2]
        assert [await rows(house, f"SELECT * FROM {table}") for table in tables] == before


async def test_a_rotation_that_cannot_be_written_down(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kp7.db'}"
    database = await Database.open(url)
    await opened(database, Settings(_env_file=None, master_key=KEY).master)
    async with database.write() as tx:
        await tx.run(FORGED)
    await database.close()
    answer = await run(url, "keys", "rotate", master_key=OTHER_KEY, master_key_old=KEY)
    is_a_sentence(answer)
    assert "`kp7 audit verify`" in answer[2]


async def test_a_damaged_log_is_verified_shown_and_not_anchored(house: House) -> None:
    await sql(house, "UPDATE audit SET detail = '{', at = 'yesterday' || char(155), actor = x'00ff' WHERE seq = 2")
    code, said, complained = await kp7(house, "audit", "show")
    assert (code, complained) == (0, "")
    [damaged] = [line for line in said.splitlines() if line.endswith("  DAMAGED")]
    assert damaged.startswith("2  yesterday\\u009b  b'\\x00\\xff'  roster.added  ")
    shown = [json.loads(line) for line in (await kp7(house, "audit", "show", "--json"))[1].splitlines()]
    assert [line["seq"] for line in shown if line["damaged"]] == [2]
    assert (await kp7(house, "audit", "verify"))[:2] == (
        1, f"line 2 was edited\n{len(shown)} lines, none anchored elsewhere: NOT WHOLE\n"
    )  # fmt: skip
    await sql(house, "UPDATE audit_head SET seq = 'zzz'")
    code, said, complained = await kp7(house, "audit", "verify")
    assert (code, complained) == (1, "")
    assert "the log does not end at line 0 as it should" in said
    is_a_sentence(await kp7(house, "audit", "anchor"))


# --- a database that is not whole -------------------------------------------------------------------------------------


async def an_office(folder: Path) -> Path:
    path = folder / "kp7.db"
    database = await Database.open(f"sqlite:///{path}")
    await opened(database, Settings(_env_file=None, master_key=OTHER_KEY).master)
    await database.close()
    return path


@pytest.mark.parametrize(
    ("undone", "words"),
    [
        ("", ("serve",)),  # as somebody's hand has left it
        ("0008_policy_mac.sql", ("serve",)),  # of an older version: the migration finds nothing to alter
        ("0008_policy_mac.sql", ("migrate",)),
        ("0008_policy_mac.sql", ("policy", "list")),
    ],
)
async def test_a_table_that_is_gone_is_a_sentence_at_the_start_too(
    tmp_path: Path, undone: str, words: tuple[str, ...]
) -> None:
    path = await an_office(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DROP TABLE policy")
        connection.execute("DELETE FROM migrations WHERE name = ?", (undone,))
    answer = await run(f"sqlite:///{path}", *words, web_chat=1, port=0, master_key=OTHER_KEY)
    is_a_sentence(answer)
    assert answer[2].startswith("The database is not whole: no such table: policy. ")
    assert "restore a backup" in answer[2]


@pytest.mark.parametrize("words", [("serve",), ("migrate",), ("policy", "list")])
async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    """What that version keeps there, and how, is not known to this one."""
    path = await an_office(tmp_path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO migrations VALUES ('9999_tomorrow.sql', 1)")
        connection.execute("DELETE FROM migrations WHERE name LIKE '0001%'")
    answer = await run(f"sqlite:///{path}", *words, web_chat=1, port=0, master_key=OTHER_KEY)
    is_a_sentence(answer, code=3)
    assert answer[2].startswith("The database was made by a newer version of KP7 (9999_tomorrow.sql). ")


async def test_a_page_of_the_file_that_is_spoilt_is_a_sentence(tmp_path: Path) -> None:
    path = await an_office(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'policy'").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    answer = await run(f"sqlite:///{path}", "policy", "list", master_key=OTHER_KEY)
    is_a_sentence(answer)
    assert answer[2].startswith("The database is not whole: database disk image is malformed. ")


def test_what_nobody_has_thought_of_is_named_without_its_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def falls_ill() -> None:
        raise ValueError(f"cannot take {SOMCHAI.national_id}")

    monkeypatch.setattr(cli, "app", falls_ill)
    monkeypatch.setattr(cli, "log_as_json", lambda: None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert said.startswith("This failed: ValueError at ")
    assert "cli.py:" in said
    assert SOMCHAI.national_id not in said


def test_what_the_system_refuses_is_said_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert told_of(OSError(28, "No space left on device", "/srv/papers/x.pdf")) == 1
    assert capsys.readouterr().err == "/srv/papers/x.pdf: No space left on device.\n"


# --- who, and what is typed -------------------------------------------------------------------------------------------


async def test_who_did_it_is_who_says_so_or_is_logged_in(house: House) -> None:
    me = pwd.getpwuid(os.getuid()).pw_name
    for user, by in (("", ()), ("", ("--by", "")), ("malee", ()), ("malee", ("--by", "somsri"))):
        await told(house, "person", "show", SOMCHAI.national_id, *by, user=user)
    lines = await rows(house, "SELECT actor FROM audit WHERE action = 'person.shown' ORDER BY seq")
    assert [line["actor"] for line in lines] == [f"cli:{who}" for who in (me, me, "malee", "somsri")]


async def test_an_id_may_be_piped_in(house: House) -> None:
    code, said, complained = await kp7(house, "person", "show", typed=f"{SOMCHAI.national_id}\n")
    assert (code, complained) == (0, "")
    assert SOMCHAI.national_id in said
    assert await kp7(house, "identity", "unblock", typed="๑-๙๙๙๙-๐๐๐๐๐-๐๑-๓\r\n") == (0, "unblocked\n", "")
    for nothing in ("", "\n", "hello\n"):
        is_a_sentence(await kp7(house, "person", "show", typed=nothing), code=2)


# --- the terminal -----------------------------------------------------------------------------------------------------

STEERS = "a\x1b[2J\x9b31m\u202eb\x7f\udcff\U000e0041\u2028 ก็"


def test_nothing_that_somebody_wrote_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"{STEERS} [red]:smile:[/nothing]")
    words = capsys.readouterr().out
    say_json({"x": STEERS})
    said = capsys.readouterr().out
    assert words.rstrip("\n").isprintable()
    assert words.endswith("ก็ [red]:smile:[/nothing]\n")
    assert said.rstrip("\n").isprintable()
    assert json.loads(said) == {"x": STEERS}, "for a script it is what it was"
    say_json({"x": [1, "ก"]}, indent=2)
    assert capsys.readouterr().out == '{\n  "x": [\n    1,\n    "ก"\n  ]\n}\n'
    assert plain("a\nb") == "a\\u000ab"


def test_a_files_name_does_not_steer_the_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(files, "err", Console(file=screen, force_terminal=True, width=200))
    with files.bar(Path("/tmp/\x1b]0;owned\x07[red]x :skull:\n.csv"), shown=True) as progress:
        progress(1, 2)
    assert "\\u001b]0;owned\\u0007[red]x :skull:\\u000a.csv" in screen.getvalue()
    assert "\x1b]0" not in screen.getvalue()


def test_commands_print_in_no_other_way() -> None:
    """`out.print` and `print` are for words of our own."""
    for path in sorted((ROOT / "bot/commands").glob("*.py")):
        if path.name != "common.py":
            assert not re.search(r"(?<![.\w])print\(|json\.dumps\((?!line\[|value)", path.read_text("utf-8")), path.name


# --- a door that does not open ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "203.0.113.7"])
async def test_a_server_that_cannot_listen_says_where_and_what_to_do(tmp_path: Path, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with asyncio.timeout(30):
            answer = await run(
                f"sqlite:///{tmp_path / 'kp7.db'}", "serve", master_key=OTHER_KEY, web_chat=1, host=host, port=port
            )
    is_a_sentence(answer, code=3)
    assert answer[2].startswith(f"HOST={host}, PORT={port}: ")
    assert ("set another PORT" if host == "127.0.0.1" else "Set HOST to") in answer[2]


# --- documents --------------------------------------------------------------------------------------------------------


def test_the_doctors_checks_are_those_of_the_documents() -> None:
    page = (ROOT / "docs/operators.md").read_text("utf-8")
    table = page.split("| check | looks at |\n|---|---|\n")[1].split("\n\n")[0]
    assert re.findall(r"^\| (\w+) \|", table, re.MULTILINE) == [check.name for check in CHECKS]
