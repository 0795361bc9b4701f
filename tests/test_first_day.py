"""What goes wrong on the first day with KP7: each slip is one sentence, and none of them makes or spoils anything."""

import asyncio
import os
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import typer

from bot import anchors, faults, serve
from bot.commands import care, common
from bot.commands.imports import _tell
from bot.doctor import database as doctors_database
from bot.doctor import files as doctors_files
from bot.doctor import settings as doctors_settings
from bot.doctor.finding import Case
from bot.doctor.rounds import examine
from bot.settings import Settings
from bot.thai import thai_digits
from handlers.organisation.imports import Report
from handlers.organisation.refusals import BadRow
from storage import keys
from storage.database import BadAddress, Database, Unavailable
from tests.cast import ANAN, SOMCHAI
from tests.command import PROGRAM, environment, kp7, run
from tests.doctor.patients import case, the_fault
from tests.house import House, a_house
from tests.journeys.test_officer import asks_hr
from tests.test_commands import OTHER_KEY, is_a_sentence

EVERYTHING = (("migrate",), ("serve",), ("policy", "list"), ("backup", "backups"), ("keys", "rotate"))


# --- a database that cannot be opened ---------------------------------------------------------------------------------


async def test_what_is_no_database_is_said_in_a_sentence_by_every_command(tmp_path: Path) -> None:
    (tmp_path / "random.db").write_bytes(os.urandom(9000))
    (tmp_path / "file").touch()
    is_there = sorted(os.listdir(tmp_path))
    for name, says in {
        "": "is a folder, not a file.",
        "random.db": "is no database, or a damaged one.",
        "nowhere/kp7.db": "there is no folder",
        "file/kp7.db": "is not a folder.",
    }.items():
        url = f"sqlite:///{tmp_path / name}"
        commands = EVERYTHING if name == "random.db" else EVERYTHING[:2]
        answers = await asyncio.gather(*(run(url, *words, web_chat=1, master_key=OTHER_KEY) for words in commands))
        for answer in answers:
            is_a_sentence(answer, code=3)
            assert answer[2].startswith("DATABASE_URL: ")
            assert says in answer[2]
    is_there_now = sorted(name for name in os.listdir(tmp_path) if not name.endswith(".serving"))
    assert is_there_now == is_there, "and nothing was made"


async def test_a_copy_to_where_no_database_can_be(tmp_path: Path) -> None:
    for target in (tmp_path, tmp_path / "nowhere/kp7.db"):
        answer = await run(f"sqlite:///{tmp_path / 'kp7.db'}", "database", "copy", "--to", f"sqlite:///{target}")
        is_a_sentence(answer, code=3)
        assert answer[2].startswith("--to: ")
    assert not (tmp_path / "nowhere").exists()


async def test_a_database_of_another_user_is_named_and_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_yours(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    url = f"sqlite:///{tmp_path / 'kp7.db'}"
    await (await Database.open(url)).close()
    before = threading.active_count()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "chmod", not_yours)
        with pytest.raises(BadAddress, match="the user that KP7 runs as"):
            await Database.open(url)
    async with asyncio.timeout(30):  # a connection that is left open keeps the process from ending
        while threading.active_count() > before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    monkeypatch.setattr(Path, "open", not_yours)
    with pytest.raises(BadAddress, match="the user that KP7 runs as"):
        async with serve.only_one(url):
            pass


NOBODYS = PermissionError(13, "Permission denied", "/var/lib/kp7/kp7.db")


async def test_a_folder_that_is_closed_to_whoever_runs_this(office: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As an operator under their own name, where KP7 is the service's."""

    def closed(*_: object) -> bool:
        raise NOBODYS

    share = tmp_path / "share"
    with office.context() as patched:
        patched.setattr(Path, "exists", closed)
        with pytest.raises(BadAddress, match=r"closed to you.*the user that KP7 runs as"):
            care.backup(tmp_path / "backups")
        patched.setattr(Path, "is_file", closed)
        fault = await the_fault(doctors_files.look, case(tmp_path))
        assert anchors.files(Settings(_env_file=None, audit_anchor=str(share))) == []
    assert fault.says == "/var/lib/kp7/kp7.db cannot be looked at (Permission denied)."
    assert "the user that KP7 runs as" in fault.mend


async def test_a_database_that_is_busy_is_no_wrong_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        error = sqlite3.OperationalError("database is locked")
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error

    monkeypatch.setattr(Path, "chmod", locked)
    with pytest.raises(Unavailable, match="locked"):
        await Database.open(f"sqlite:///{tmp_path / 'kp7.db'}")


async def test_the_doctor_finds_no_office_where_no_folder_is(tmp_path: Path) -> None:
    fault = await the_fault(doctors_database.look, case(tmp_path, database_url=f"sqlite:///{tmp_path}/nowhere/x.db"))
    assert (fault.level, fault.mend) == ("wrong", "Look whether the path in DATABASE_URL is right.")
    fault = await the_fault(doctors_database.look, case(tmp_path, database_url=f"sqlite:///{tmp_path}"))
    assert fault.says == f"The database cannot be opened: {tmp_path} is a folder, not a file."


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """In a folder of its own, with settings that are right."""
    for name, value in environment("sqlite:///kp7.db").items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", "mysql://x/y", "names a kind of database that KP7 does not know."),
        ("DATABASE_URL", "foo", "names a kind of database that KP7 does not know."),
        ("DATABASE_URL", "sqlite:///", "names no file."),
        ("DATABASE_URL", "sqlite://host/kp7.db", "has a host,"),
        ("DATABASE_URL", "sqlite://[", "is not an address."),
        ("MASTER_KEY", "c2hvcnQ=", "must be at least 32 bytes of base64;"),
        ("TIMEZONE", "Mars", "is not a time zone, such as Asia/Bangkok."),
        ("SELF_SERVICE_BEFORE", "1/10/2561", "is no day, such as 2018-10-01 (CE)."),
        ("SELF_SERVICE_BEFORE", "2018", "is no day, such as 2018-10-01 (CE)."),
        ("PORT", "eighty", "must be a whole number."),
        ("SMTP_TIMEOUT_SECONDS", "long", "must be a number."),
        ("SMTP_TIMEOUT_SECONDS", "0", "must be more than 0"),
        ("WEB_CHAT", "perhaps", "must be 1 (yes) or 0 (no)."),
        ("SMTP_TLS", "ssl", "must be 'none', 'starttls' or 'tls'."),
        ("CODE_DIGITS", "5", "must be at least 6."),
        ("CODE_MINUTES", "11", "must be at most 10."),
        ("SMTP_FROM", "kp7", "is not a mail address."),
        ("SMTP_FROM", "KP7 <kp7@example.go.th>", "is not a mail address."),
        ("AUDIT_ANCHOR", "nowhere", "has 'nowhere', which is neither a whole path nor a mail address."),
        ("AUDIT_ANCHOR", "/mnt/share/anchors, anchors.txt", "has 'anchors.txt',"),
    ],
)
def test_a_wrong_setting_is_the_only_thing_that_is_said(
    office: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    office.setenv(name, value)
    _, [(fault, sentence)] = common.settings_and_faults()
    assert fault.upper() == name
    assert sentence.startswith(says)
    assert sentence.endswith(".")


def test_right_ones_are_taken(office: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AUDIT_ANCHOR": "/mnt/share/anchors, audit@example.go.th",
        "DATABASE_URL": "sqlite:////var/lib/kp7/kp7.db",
        "SMTP_FROM": "kp7@localhost",
    }.items():
        office.setenv(name, value)
    assert common.settings_and_faults()[1] == []


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("PORT=8080\nHR_CONTACT=ทดสอบ\n".encode("cp874"), 2),
        ("PORT=8080\nHR_CONTACT=ทดสอบ\n".encode("utf-16"), 1),
        ("PORT=8080\n".encode("utf-16-le"), 1),
    ],
    ids=["cp874", "utf-16", "utf-16-le"],
)
async def test_a_file_of_settings_that_is_not_utf_8(office: pytest.MonkeyPatch, written: bytes, line: int) -> None:
    Path(".env").write_bytes(written)  # noqa: ASYNC240
    office.delenv("SMTP_HOST")
    settings, found = common.settings_and_faults()
    assert found == [(".env", f"is not UTF-8 (line {line}). Save it as UTF-8.")]
    with pytest.raises(typer.Exit) as end:
        common.settings_or_exit()
    assert end.value.exit_code == 3
    fault = await the_fault(doctors_settings.look, Case(settings, found))
    assert (fault.says, fault.mend) == (f".env is not UTF-8 (line {line}).", "Save it as UTF-8.")
    report = await examine(Case(settings, found))
    assert [finding.says for check, finding in report if check == "mail"] == ["Waits for .env."]


def test_a_file_of_settings_that_cannot_be_read(office: pytest.MonkeyPatch) -> None:
    def closed(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    office.setattr(Path, "read_bytes", closed)
    _, [(name, sentence)] = common.settings_and_faults()
    assert (name, sentence.partition(".")[0]) == (faults.ENV_FILE, "cannot be read (Permission denied)")


async def test_notepads_utf_8_is_utf_8(office: pytest.MonkeyPatch) -> None:
    office.delenv("SMTP_HOST")
    Path(".env").write_text("SMTP_HOST=mail.example.go.th\n", "utf-8-sig")  # noqa: ASYNC240
    settings, found = common.settings_and_faults()
    assert (settings.smtp_host, found) == ("mail.example.go.th", [])
    assert not [finding for finding in [f async for f in doctors_settings.look(Case(settings))] if finding.mend]


def test_the_wrong_key_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert common.told(keys.WrongKey(keys.WRONG)) == 3
    assert capsys.readouterr().err.startswith("MASTER_KEY is not the one")


# --- what is typed ----------------------------------------------------------------------------------------------------


async def test_an_id_that_is_none_is_said_so_before_the_log_is_shown(house: House) -> None:
    for mistyped in ("abc", f"{SOMCHAI.national_id[:-1]}4"):
        is_a_sentence(await kp7(house, "audit", "show", "--person", mistyped), code=2)
    code, said, _ = await kp7(house, "audit", "show", "--person", thai_digits(SOMCHAI.national_id))
    subject = said.split()[4]
    assert (code, said.count("\n")) == (0, 1)
    assert await kp7(house, "audit", "show", "--person", subject) == (0, said, "")


async def test_days_are_ce_and_written_in_one_way(tmp_path: Path) -> None:
    for day, says in {"1/12/2026": "is no day, such as 2018-10-01 (CE)", "2569-12-01": "2569 is 2026 CE"}.items():
        for words in (("audit", "show", "--since"), ("policy", "set", "code_minutes", "3", "--from")):
            code, _, complained = await run(f"sqlite:///{tmp_path / 'kp7.db'}", *words, day)
            assert code == 2
            assert says in complained


async def test_a_reference_in_thai_digits(tmp_path: Path) -> None:
    async with a_house(tmp_path, card_verifier="officer") as house:
        reference = await asks_hr(await house.somebody(), ANAN)
        assert await kp7(house, "identity", "confirm", f" {thai_digits(reference)}") == (0, "confirmed\n", "")


def test_a_report_speaks_of_cells_and_shows_no_empty_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    bad = [BadRow(2, "ชื่อ", "cell_blank", "", {}), BadRow(3, "", "row_too_long", "", {})]
    with suppress(typer.Exit):
        _tell(Report(bad=[*bad, BadRow(4, "อีเมล", "email_format", "X", {})]), as_json=False, dry=True)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "2: ชื่อ: This cell must not be blank."
    assert said[1].startswith("3: This row has more values than the header has columns")
    assert said[2] == "4: อีเมล: This is not a whole e-mail address. (X)"


# --- who has seen enough ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [(), ("--json",)])
async def test_a_closed_pipe_is_no_failure(house: House, how: tuple[str, ...]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    env = environment(house.settings.database_url, erased_file=house.settings.erased_file)
    process = await asyncio.create_subprocess_exec(
        *PROGRAM, "audit", "show", *how, env=env, cwd="/", stdout=theirs, stderr=asyncio.subprocess.PIPE
    )
    os.close(theirs)
    _, complained = await process.communicate()
    assert (process.returncode, complained) == (141, b"")
