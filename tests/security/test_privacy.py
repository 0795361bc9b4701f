"""What is personal stands nowhere in plain text: not in the database, not in a log (OTP8, DP1, DP3)."""

import asyncio
import base64
import csv
import hashlib
import itertools
import json
import logging
import random
import re
from collections.abc import AsyncIterator, MutableMapping
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from bot.app import date_rule
from bot.logs import log_as_json
from bot.text import MissingWords
from bot.thai import check_digit
from handlers.organisation.imports import import_roster
from storage.vault import Keyring, Tampered
from tests.cast import ANAN, MALEE, SOMCHAI, Player
from tests.command import kp7
from tests.databases import sqlite
from tests.house import House, a_house
from tests.security.tools import Lab, on_disk, proves, registers, rows

LETTERS = "กขคงจฉชซฌญฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหอฮ"
MARKED = 180  # people, each with five or six markers of their own: a thousand


def national_id(n: int) -> str:
    twelve = f"18888{n:07d}"
    return twelve + check_digit(twelve)


def marked(n: int) -> Player:
    word = "".join(LETTERS[(n * 7 + k * k + n // len(LETTERS) * k) % len(LETTERS)] for k in range(9))
    email = f"marker{n:04d}.mail@example.org" if n % 2 else ""
    return Player(national_id(n), f"{word} ส{word[::-1]}", "17 มี.ค. 2520", f"QX{7_000_000_000 + n}", email)


HEADER = (
    "เลขประจำตัวประชาชน", "คำนำหน้า", "ชื่อ", "นามสกุล", "วันเดือนปีเกิด", "ประเภทบุคลากร", "ตำแหน่งเลขที่", "ตำแหน่งในสายงาน",
    "ระดับ", "สำนัก/กอง", "จังหวัด", "วันบรรจุ", "วันรับโอน", "วันเกษียณ", "อีเมล", "โทรศัพท์", "สถานะ", "Laser Code",
)  # fmt: skip
PEOPLE = [marked(n) for n in range(MARKED)]


def phone(n: int) -> str:
    return f"0614{n:06d}"


def markers(n: int, who: Player) -> list[str]:
    first, last = who.name.split()
    return [who.national_id, first, last, who.laser, phone(n), *([who.email] if who.email else [])]


@pytest.fixture
async def archive(tmp_path: Path) -> AsyncIterator[House]:
    """A house whose roster is all markers."""
    roster = tmp_path / "roster.csv"
    with roster.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for n, who in enumerate(PEOPLE):
            name = who.name.split()
            place = ("ข้าราชการ", "1", "นักวิชาการ", "ชำนาญการ", "กองทดสอบ", "แพร่", "1 ม.ค. 2550", "", "1 ต.ค. 2590")
            writer.writerow((who.national_id, "นาย", *name, who.born, *place, who.email, phone(n), "ปกติ", who.laser))
    async with a_house(tmp_path, samples=False) as house:
        kp7 = house.kp7
        report = await import_roster(
            kp7.database,
            kp7.vault,
            roster,
            today=date(2026, 11, 21),
            rule=date_rule(kp7.settings),
            by="cli:malee",
            clock=house.clock,
        )
        roster.unlink()
        assert (report.written.added, report.bad) == (MARKED, [])
        yield house


async def everything(house: House) -> list[str]:
    """Register, log in, look at the data, save telephone numbers, change the address, fail, wait for HR, log out.

    Returns what was made up on the way: addresses, codes, cookies.
    """
    secrets: list[str] = []
    for n, who in list(enumerate(PEOPLE))[:6]:
        chat = await house.somebody()
        secrets.append(next(iter(chat.client.cookies.values())))
        if who.email:
            await chat.logs_in(who.national_id, who.email)
        else:
            typed = f"typed{n:04d}.address@example.net"
            await registers(chat, who, typed)
            secrets.append(typed)
        await chat.taps("menu.profile")
        await chat.taps("choice.edit_contact")
        for number in (f"0625{n:06d}", f"0272{n:05d}"):
            await chat.says(number)
            secrets.append(number)
        await chat.taps("choice.save_edit")
        if n in (1, 3):
            await chat.taps("menu.change_email")
            changed = f"changed{n:04d}.address@example.net"
            secrets.append(changed)
            await chat.says(changed)
            await chat.says(changed)
            mailed = len(house.post.mails)
            await chat.taps("choice.save")
            await chat.says(await house.code_for(changed, after=mailed))
        if n % 3 == 0:
            await chat.says("ออกจากระบบ")
    waits = await house.somebody()
    stranger = Player(PEOPLE[8].national_id, "นามสมมุติเอง ยืนคอยเจ้าหน้าที่", "9 ก.ย. 2519", "ZX7777777777")
    await proves(waits, stranger, laser=stranger.laser)
    for _ in range(2):
        await waits.says(stranger.laser)
    await waits.taps("choice.ask_officer")
    secrets += ["นามสมมุติเอง", "ยืนคอยเจ้าหน้าที่", stranger.laser]
    codes = [house.code_in(mail) for mail in house.post.mails if "รหัสยืนยัน" in str(mail["subject"])]
    assert len(codes) >= 8
    return [*secrets, *codes]


def disguises(marker: str) -> list[bytes]:
    """The marker itself, as other encodings would write it, and plainly hashed."""
    plain = marker.encode()
    hashed = hashlib.sha256(plain)
    return [
        plain,
        marker.encode("utf-16-le"),
        base64.b64encode(plain).rstrip(b"=")[:-1],
        plain.hex().encode(),
        hashed.digest(),
        hashed.hexdigest().encode(),
        base64.urlsafe_b64encode(hashed.digest()).rstrip(b"="),
    ]


def libraries_said(caplog: pytest.LogCaptureFixture) -> str:
    """Without the tests' own mail server, which names whom it takes mail for."""
    return "\n".join(caplog.handler.format(r) for r in caplog.records if not r.name.startswith("mail."))


async def test_nothing_personal_stands_in_the_database_or_in_a_log(
    archive: House, said: list[MutableMapping[str, Any]], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Nor in a backup that is made in mid-conversation, nor in the ledger of who was erased."""
    made_up = await everything(archive)
    backups = tmp_path / "backups"
    assert (await kp7(archive, "backup", backups))[0] == 0
    code, erased, complained = await kp7(archive, "person", "erase", PEOPLE[0].national_id, "--yes")
    assert code == 0
    planted = [marker for n, who in enumerate(PEOPLE) for marker in markers(n, who)]
    assert len(set(planted + made_up)) > 1_000
    disk = on_disk(archive) + b"".join(path.read_bytes() for path in sorted(backups.rglob("*")) if path.is_file())
    assert b'"sha256"' in disk, "no manifest was read"
    assert b'"keys":' in disk, "no ledger was read"
    logged = json.dumps(said, ensure_ascii=False, default=str) + libraries_said(caplog) + erased + complained
    found = [m for m in planted + made_up if any(form in disk for form in disguises(m)) or m in logged]
    assert found == []


async def test_no_sealed_value_opens_anywhere_but_in_its_place(archive: House) -> None:
    """All that journeys left in the database, each with every key at hand: swapped between rows, columns, tables and
    people, or edited."""
    await everything(archive)
    await begin_and_stop(archive)
    chance = random.Random(11)
    values = [value for value in await sealed(archive) if value[0] != "keys"]
    assert {value[:2] for value in values} >= {
        ("people", "profile"), ("people", "contact"), ("emails", "address"), ("conversations", "state"),
        ("identity_checks", "claim"), ("chat_messages", "body"), ("outbox", "body"),
    }  # fmt: skip
    vault = archive.kp7.vault
    ring = Keyring(*[vault.unwrap(k["id"], k["wrapped"]) for k in await rows(archive, "SELECT id, wrapped FROM keys")])
    for table, column, id, value in values:
        ring.open(value, table, id, column)
    for _ in range(1_000):
        (table, column, id, _), (*there, value) = chance.sample(values, 2)
        with pytest.raises(Tampered):
            ring.open(value, table, id, column)
        place = chance.randrange(len(value) - 1)  # the last character has unused bits
        edited = f"{value[:place]}{chance.choice('AZaz09-_')}{value[place + 1 :]}"
        if edited != value:
            with pytest.raises(Tampered):
                ring.open(edited, there[0], there[2], there[1])


async def begin_and_stop(house: House) -> None:
    """A mail that waits, so that the outbox holds something."""
    house.post.refusals = ["450 later"] * 9
    await (await house.somebody()).begins(PEOPLE[11].national_id)


async def sealed(house: House) -> list[tuple[str, str, str, str]]:
    """Table, column, id and value of all that is sealed in the database."""
    tables = await rows(house, "SELECT name FROM sqlite_master WHERE type = 'table'")
    return [
        (table["name"], column, row.get("id") or row["account_id"], value)
        for table in tables
        for row in await rows(house, f"SELECT * FROM {table['name']}")
        for column, value in row.items()
        if isinstance(value, str) and re.fullmatch(r"1\.[0-9a-z]{26}\.[\w-]+", value)
    ]


async def test_not_even_when_everything_goes_wrong(
    archive: House,
    said: list[MutableMapping[str, Any]],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mail server refuses naming the address, effects crash with what was typed in their message."""
    who = PEOPLE[1]
    archive.post.refusals = [f"450 <{who.email}> mailbox busy", f"550 <{who.email}> no such user"]
    chat = await archive.somebody()
    await chat.begins(who.national_id)
    archive.clock.forward(seconds=61)
    await chat.taps("choice.resend")

    async def crash(*given: object) -> None:
        raise RuntimeError(f"{given} {who.national_id} {who.name} {who.email}")

    monkeypatch.setattr("handlers.identity.codes.guess", crash)
    await chat.says("123456")
    await chat.hears(7)  # welcome, notice, ID, code, another code, "could not be delivered", sorry
    assert any("ระบบขัดข้อง" in screen.text for screen in chat.screens)
    assert [line["event"] for line in said if line["log_level"] == "error"].count("event_failed") == 3
    logged = json.dumps(said, ensure_ascii=False, default=str) + libraries_said(caplog)
    assert [m for m in markers(1, who) if m in logged] == []


async def test_a_sentence_that_is_missing_is_named(
    archive: House, said: list[MutableMapping[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its key alone; and what is no key is not."""
    chat = await archive.somebody()
    for catalogue in archive.kp7.texts._catalogues.values():
        monkeypatch.delitem(catalogue, "ask.national_id")
    await chat.taps("menu.login")
    await chat.taps("choice.acknowledge")
    assert {line["lacks"] for line in said if line["event"] == "event_failed"} == {"ask.national_id"}
    assert [MissingWords(key).key for key in ("desk.kind_paper2", "error.1999900000013", "ask.สมชาย")] == [
        "desk.kind_paper2", "?", "?",
    ]  # fmt: skip


def test_what_libraries_log_loses_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    """In the real configuration: templates stay, arguments and messages of exceptions do not."""
    before = logging.root.handlers[:], logging.root.level
    try:
        log_as_json()
        try:
            raise ValueError("1888800000011")
        except ValueError:
            logging.getLogger("aiosmtplib").exception("mail to %s failed", SOMCHAI.email)
    finally:
        logging.root.handlers[:], level = before
        logging.root.setLevel(level)
        structlog.reset_defaults()
    written = capsys.readouterr().err
    assert "mail to %s failed" in written
    assert "ValueError" in written
    assert "1888800000011" not in written
    assert SOMCHAI.email not in written


# --- sealed values do not open elsewhere ------------------------------------------------------------------------------

COLUMNS = (("people", "profile"), ("people", "contact"), ("emails", "address"))


@pytest.mark.parametrize(("table", "column"), COLUMNS)
async def test_values_swapped_between_rows_do_not_open(house: House, table: str, column: str) -> None:
    """Somebody with the database in hand gives Malee Somchai's address, or his name."""
    where = {
        "people": "id = :id",
        "emails": "person_id = :id",
    }[table]
    lab = Lab(house, house.settings)
    malee, somchai = await lab.person(MALEE), await lab.person(SOMCHAI)
    sealed = [
        (await rows(house, f"SELECT {column} AS s FROM {table} WHERE {where}", id=p.id))[0]["s"]
        for p in (malee, somchai)
    ]
    async with house.kp7.database.write() as tx:
        for person, value in zip((somchai, malee), sealed, strict=True):
            await tx.run(f"UPDATE {table} SET {column} = :value WHERE {where}", {"value": value, "id": person.id})
    with pytest.raises(Tampered):
        await lab.person(MALEE)
    chat = await house.somebody()
    await chat.begins(MALEE.national_id)
    chat.sees("error.internal")
    assert not house.post.mails


async def test_values_swapped_between_columns_do_not_open(house: House) -> None:
    lab = Lab(house, house.settings)
    malee = await lab.person(MALEE)
    async with house.kp7.database.write() as tx:
        await tx.run("UPDATE people SET profile = contact, contact = profile WHERE id = :id", {"id": malee.id})
    with pytest.raises(Tampered):
        await lab.person(MALEE)


async def test_a_persons_own_old_address_does_not_come_back(house: House) -> None:
    """The sealed text of an address that was replaced, copied over the current one."""
    chat = await house.somebody()
    await chat.logs_in(MALEE.national_id, MALEE.email)
    await chat.taps("menu.change_email")
    for _ in range(2):
        await chat.says("malee.new@example.com")
    await chat.taps("choice.save")
    await chat.says(await house.code_for("malee.new@example.com"))
    chat.sees("register.saved")
    lab = Lab(house, house.settings)
    malee = await lab.person(MALEE)
    async with house.kp7.database.write() as tx:
        await tx.run(
            "UPDATE emails SET address = "
            "(SELECT address FROM emails WHERE person_id = :id AND replaced_at IS NOT NULL) "
            "WHERE person_id = :id AND replaced_at IS NULL",
            {"id": malee.id},
        )
    with pytest.raises(Tampered):
        await lab.person(MALEE)


async def test_a_conversation_moved_to_another_chat_does_not_go_on(
    house: House, said: list[MutableMapping[str, Any]]
) -> None:
    """Anan has proved who he is; an attacker with the database in hand moves that proof into their own chat."""
    anan, attacker = await house.somebody(), await house.somebody()
    await proves(anan, ANAN)
    anan.sees("ask.email")
    await attacker.taps("menu.login")
    states = await rows(house, "SELECT account_id, state FROM conversations ORDER BY account_id")
    async with house.kp7.database.write() as tx:
        for row, other in itertools.permutations(states, 2):
            await tx.run(
                "UPDATE conversations SET state = :state WHERE account_id = :id",
                {"state": other["state"], "id": row["account_id"]},
            )
    await attacker.says("evil@example.com")
    attacker.sees("home.choose")
    assert [line["event"] for line in said if line["log_level"] == "error"] == ["conversation_unreadable"]


async def test_a_waiting_mail_moved_to_another_row_is_not_sent(house: House) -> None:
    house.post.refusals = ["450 later", "450 later"]
    for who in (SOMCHAI, MALEE):
        await (await house.somebody()).begins(who.national_id)
    async with house.kp7.database.write() as tx:
        waiting = await tx.all("SELECT id, body, key_id FROM outbox WHERE kind = 'mail' ORDER BY id")
        assert len(waiting) == 2
        for row, other in itertools.permutations(waiting, 2):
            await tx.run(
                "UPDATE outbox SET body = :b, key_id = :k WHERE id = :i",
                {"b": other["body"], "k": other["key_id"], "i": row["id"]},
            )
    house.clock.forward(seconds=30)
    await house.kp7.outbox.claim()
    async with asyncio.timeout(10):
        while len(await rows(house, "SELECT 1 FROM outbox WHERE dead_at IS NOT NULL")) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not house.post.mails


async def test_only_the_owner_of_the_files_reads_them(house: House) -> None:
    assert sqlite(house.kp7.database).path.stat().st_mode & 0o077 == 0


async def test_history_is_for_the_cookie_that_made_it(house: House) -> None:
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    cookie = next(iter(malee.client.cookies.values()))
    assert cookie.encode() not in on_disk(house)
    async with (
        httpx.AsyncClient(cookies={"kp7": cookie[:-1] + ("A" if cookie[-1] != "A" else "B")}, timeout=10) as attacker,
        attacker.stream("GET", f"{house.url}/chat/stream") as stream,
    ):
        async for line in stream.aiter_lines():
            assert not line.startswith('data: {"')
            if line == "event: ready":
                break
