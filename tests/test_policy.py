"""The office's rules change on their day, while the server runs; what was in force before can still be told."""

import asyncio
import base64
import json
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import policy, pulse
from bot.doctor import rules
from bot.doctor.finding import Case
from bot.policy import RULES, Entry, effective, in_force
from bot.settings import Settings
from bot.text import Texts
from bot.times import local_date, wall_clock
from storage.database import Database
from storage.macs import mac
from storage.opening import opened
from tests.cast import MALEE, SOMCHAI
from tests.command import kp7, run, told
from tests.databases import WAITS
from tests.house import KEY, House, a_house
from tests.security.tools import rows

BASE = Settings(_env_file=None, code_minutes=7)
DAY = date(2026, 11, 21)


def days(n: int) -> date:
    return DAY + timedelta(n)


def entry(value: Any, first: int, last: int | None = None, *, name: str = "code_minutes", at: int = 1) -> Entry:
    until = None if last is None else days(last)
    return Entry(f"{at:04}", name, value, days(first), until, "cli:malee", at)


# --- which row is in force --------------------------------------------------------------------------------------------


def test_without_rows_a_rule_is_what_the_setting_says() -> None:
    assert effective(BASE, [], DAY) == BASE
    assert in_force([entry(3, 1)], "code_minutes", DAY) is None


def test_a_row_holds_from_its_day_until_one_that_begins_later() -> None:
    planned = [entry(3, 0, at=1), entry(9, 10, at=2), entry(4, 5, at=3)]  # the one between was thought of last
    got = [effective(BASE, planned, days(n)).code_minutes for n in (-1, 0, 4, 5, 9, 10, 400)]
    assert got == [7, 3, 3, 4, 4, 9, 9]


def test_an_exception_ends_and_what_was_before_comes_back() -> None:
    rows_ = [entry(3, 0), entry(10, 5, 6, at=2)]
    assert [effective(BASE, rows_, days(n)).code_minutes for n in (4, 5, 6, 7)] == [3, 10, 10, 3]
    assert effective(BASE, [entry(10, 5, 6)], days(7)).code_minutes == 7


def test_the_one_that_was_set_later_corrects_the_one_of_the_same_day() -> None:
    for rows_ in ([entry(3, 0, at=1), entry(4, 0, at=2)], [entry(4, 0, at=2), entry(3, 0, at=1)]):
        assert effective(BASE, rows_, DAY).code_minutes == 4


def test_rules_are_settings_that_an_operator_can_read_about() -> None:
    assert RULES.keys() <= Settings.model_fields.keys()
    for language in ("th", "en"):
        assert Texts().prefixed(language, "policy.").keys() == {f"policy.{name}" for name in RULES}


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [("code_minutes", "6", 6), ("self_service_before", "2019-01-01", date(2019, 1, 1)),
     ("transfer_overrides_date", "0", False)],
)  # fmt: skip
def test_values_are_typed_as_in_the_environment(name: str, typed: str, value: object) -> None:
    assert policy.parse(name, typed) == value
    assert type(policy.parse(name, typed)) is type(value)


@pytest.mark.parametrize(
    ("name", "typed"),
    [("code_minutes", "11"), ("code_minutes", "soon"), ("code_guesses", "0"), ("code_digits", "5"),
     ("self_service_before", "2562-01-01x"), ("transfer_overrides_date", "perhaps"), ("inbox_days", "2"),
     ("master_key", "x" * 44), ("no_such_rule", "1")],
)  # fmt: skip
def test_what_would_weaken_a_rule_or_is_none_is_refused(name: str, typed: str) -> None:
    with pytest.raises(policy.Refused):
        policy.parse(name, typed)


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [("2026-11-21", None, ""), ("2046-12-31", None, ""), ("2026-11-22", "2046-12-31", ""),
     ("2026-11-20", None, "--from lies in the past"), ("2047-01-01", None, "--from is more than 20 years away"),
     ("2026-11-21", "2047-01-01", "--until is more than 20 years away"),
     ("2570-01-01", None, "--from: 2570 is 2027 CE: write 2027-01-01"),
     ("2026-11-21", "2570-01-01", "--until: 2570 is 2027 CE: write 2027-01-01"),
     ("tomorrow", None, "--from: is no day"), ("2026-11-21", "2026-11-31", "--until: is no day")],
)  # fmt: skip
def test_first_and_last_days_are_near_ones_in_the_common_era(first: str, last: str | None, why: str) -> None:
    if not why:
        assert policy.days(first, last, DAY) == (date.fromisoformat(first), last and date.fromisoformat(last))
        return
    with pytest.raises(policy.Refused, match=rf"^{why}.*\.$"):
        policy.days(first, last, DAY)


# --- while the server runs --------------------------------------------------------------------------------------------


def today(house: House) -> str:
    return local_date(house.clock(), house.settings.timezone).isoformat()


async def soon(house: House, name: str, value: object) -> None:
    assert pulse.EVERY_SECONDS <= 0.5, "within a second, where the machine is not busy"
    async with asyncio.timeout(30):
        while getattr(house.kp7.policy.settings, name) != value:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_rule_set_beside_the_running_server_holds_in_its_chats_soon(tmp_path: Path, database_url: str) -> None:
    async with a_house(tmp_path, database_url=database_url) as office:
        first = await office.somebody("en")
        await first.begins(SOMCHAI.national_id)
        assert "5 minutes" in first.screen.text
        assert len(await office.code_for(SOMCHAI.email)) == 6
        assert await told(office, "policy", "set", "code_minutes", "3", "--from", today(office)) == (0, "set\n")
        assert await told(office, "policy", "set", "code_digits", "8", "--from", today(office)) == (0, "set\n")
        await soon(office, "code_digits", 8)
        second = await office.somebody("en")
        await second.begins(MALEE.national_id)
        assert "3 minutes" in second.screen.text
        code = await office.code_for(MALEE.email)
        assert len(code) == 8
        office.clock.forward(minutes=4)
        await second.says(code)
        second.sees("error.code_expired")
        await office.restart()
        assert office.kp7.policy.settings.code_minutes == 3
        assert office.kp7.settings.code_minutes == 5


async def test_a_rule_of_tomorrow_begins_at_midnight_by_itself(house: House) -> None:
    tomorrow = (date.fromisoformat(today(house)) + timedelta(1)).isoformat()
    assert (await told(house, "policy", "set", "conversation_days", "1", "--from", tomorrow))[0] == 0
    await house.kp7.policy.refresh(house.kp7.database, house.kp7.vault)
    assert house.kp7.policy.settings.conversation_days == 7
    somchai = await house.somebody()
    await somchai.begins(SOMCHAI.national_id)
    house.clock.forward(days=1, minutes=5)
    await soon(house, "conversation_days", 1)
    await house.kp7.schedule.once()
    assert await rows(house, "SELECT 1 FROM conversations") == [], "what is kept, and for how long, is a rule too"


async def test_who_changed_which_rule_is_written_down_and_told(house: House) -> None:
    day = today(house)
    assert (await told(house, "policy", "set", "self_service_before", "2019-01-01", "--from", day, "--by", "anan"))[
        0
    ] == 0
    code, said = await told(house, "policy", "show", "self_service_before", "--json")
    assert code == 0
    shown = json.loads(said)
    assert (shown["value"], shown["since"], shown["set_in"]) == ("2019-01-01", day, "policy")
    assert shown["letter"] == "นร ๑๐๑๓.๓/๒๑๖"
    assert [(row["by"], row["value"]) for row in shown["rows"]] == [("cli:anan", "2019-01-01")]
    listed = {state["rule"]: state for state in json.loads((await told(house, "policy", "list", "--json"))[1])}
    assert listed.keys() == RULES.keys()
    assert (listed["code_minutes"]["value"], listed["code_minutes"]["set_in"]) == (5, "default")
    assert "cli:anan  self_service_before = 2019-01-01" in (await told(house, "policy", "history"))[1]
    [line] = await rows(house, "SELECT actor, detail FROM audit WHERE action = 'policy.set'")
    assert line["actor"] == "cli:anan"
    [row] = await rows(house, "SELECT id FROM policy")
    assert json.loads(line["detail"]) == {
        "id": row["id"], "rule": "self_service_before", "value": "2019-01-01", "from": day, "until": None
    }  # fmt: skip


async def test_what_is_refused_leaves_no_row(house: House) -> None:
    day = today(house)
    for words in (
        ("no_such_rule", "1", "--from", day),
        ("code_minutes", "3", "--from", "2020-01-01"),
        ("code_minutes", "3", "--from", "2570-01-01"),
        ("code_minutes", "3", "--from", day, "--until", "2570-01-01"),
        ("self_service_before", "2561-10-01", "--from", day),
        ("phone_digits_min", "11", "--from", day),
    ):
        assert (await told(house, "policy", "set", *words))[0] == 2, words
    assert await rows(house, "SELECT * FROM policy") == []


# --- past the command -------------------------------------------------------------------------------------------------


async def _sets(house: House, name: str, value: object) -> None:
    assert await told(house, "policy", "set", name, value, "--from", today(house)) == (0, "set\n")


async def _runs(house: House, sql: str, **params: object) -> list[str]:
    """Into the database behind everybody's back. → the rows that the server then complains of"""
    async with house.kp7.database.write() as tx:
        await tx.run(sql, params)
    with structlog.testing.capture_logs() as said:
        await house.kp7.policy.refresh(house.kp7.database, house.kp7.vault)
    return [line["row"] for line in said if line["event"] == "policy_unusable"]


async def _doctor(house: House) -> list[tuple[str, str]]:
    return [(found.level, found.says) async for found in rules.look(Case(house.settings))]


INSERT = "INSERT INTO policy VALUES ('forged', 'code_minutes', '1', '2020-01-01', NULL, 'me', 1, :mac)"


async def test_a_row_that_somebody_wrote_past_the_command_counts_for_nothing(house: House) -> None:
    await _sets(house, "code_minutes", 3)
    assert await _doctor(house) == [("ok", f"1 of {len(RULES)} rules are set by `kp7 policy` today.")]
    [genuine] = await rows(house, "SELECT mac FROM policy")
    for made in ("", genuine["mac"], "é"):
        assert await _runs(house, INSERT, mac=made) == ["forged"]
        assert house.kp7.policy.settings.code_minutes == 3
        level, says = (await _doctor(house))[0]
        assert (level, "forged" in says) == ("wrong", True)
        code, said = await told(house, "audit", "verify")
        assert (code, "a row that no line tells of" in said) == (1, True)
        await _runs(house, "DELETE FROM policy WHERE id = 'forged'")
    assert (await told(house, "audit", "verify"))[0] == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [("value", "2"), ("name", "'code_digits'"), ("valid_from", "'2020-01-01'"), ("valid_until", "'2099-01-01'"),
     ("set_by", "'cli:else'"), ("set_at", "1"), ("id", "'other'"), ("mac", "''")],
)  # fmt: skip
async def test_an_edited_row_counts_for_nothing_and_at_once(house: House, column: str, value: str) -> None:
    await _sets(house, "code_minutes", 3)
    await house.kp7.policy.refresh(house.kp7.database, house.kp7.vault)
    assert house.kp7.policy.settings.code_minutes == 3
    assert len(await _runs(house, f"UPDATE policy SET {column} = {value}")) == 1
    assert house.kp7.policy.settings.code_minutes == 5
    assert [level for level, _ in await _doctor(house)] == ["wrong", "ok"]


async def test_a_deleted_row_is_missed(house: House) -> None:
    await _sets(house, "code_minutes", 3)
    await _sets(house, "code_minutes", 4)
    await _runs(house, "DELETE FROM policy WHERE value = '4'")
    assert house.kp7.policy.settings.code_minutes == 3, "the server goes on; the log knows better"
    code, said = await told(house, "audit", "verify", "--json")
    verdict = json.loads(said)
    assert (code, [fault["fault"] for fault in verdict["faults"]]) == (1, ["rule"])
    assert verdict["faults"][0]["line"] == verdict["lines"]


@pytest.mark.parametrize("edit", ["value = '9'", "mac = ''", "valid_from = '2020-01-01'", "set_by = 'cli:anan'"])
async def test_an_edited_row_is_a_fault_of_the_log(house: House, edit: str) -> None:
    await _sets(house, "code_minutes", 3)
    assert (await told(house, "audit", "verify"))[0] == 0
    await _runs(house, f"UPDATE policy SET {edit}")
    _, said, _ = await kp7(house, "audit", "verify", "--json")
    verdict = json.loads(said)
    assert verdict["faults"] == [{"line": verdict["lines"], "fault": "altered"}]
    assert (await told(house, "audit", "verify"))[0] == 1


async def test_a_rule_that_this_version_does_not_allow_counts_for_nothing(house: House) -> None:
    """KP7 wrote it, before its bounds were narrower."""
    fields = ("old", "code_guesses", "500", "2020-01-01", None, "cli:malee", 1)
    made = mac(house.kp7.vault.secret("policy"), *fields)
    values = dict(zip("abcdefg", fields, strict=True))
    assert await _runs(house, "INSERT INTO policy VALUES (:a, :b, :c, :d, :e, :f, :g, :mac)", **values, mac=made) == [
        "old"
    ]
    assert house.kp7.policy.settings == house.kp7.settings
    level, says = (await _doctor(house))[0]
    assert (level, "does not allow: old" in says) == ("warning", True)


async def test_whatever_stands_in_a_column_stops_nobody(house: House) -> None:
    await _sets(house, "code_minutes", 3)
    kept = (await rows(house, "SELECT * FROM policy"))[0]
    await _runs_quietly(house, "DROP TABLE policy")
    await _runs_quietly(house, f"CREATE TABLE policy ({', '.join(kept)})")
    for column in kept:
        for value in ("NULL", "x'00ff'", "CAST(x'ff' AS TEXT)", "9e999", "9223372036854775807", "'[1]'", "char(155)"):
            insert = f"INSERT INTO policy VALUES ({', '.join(f':{name}' for name in kept)})"
            await _runs(house, insert, **kept)
            assert house.kp7.policy.settings.code_minutes == 3
            if column != "valid_until" or value != "NULL":  # as it is
                assert len(await _runs(house, f"UPDATE policy SET {column} = {value}")) == 1, f"{column} = {value}"
                assert (await _doctor(house))[0][0] == "wrong"
            await _runs(house, "DELETE FROM policy")
    assert house.kp7.policy.settings.code_minutes == 5


async def _runs_quietly(house: House, sql: str) -> None:
    async with house.kp7.database.write() as tx:
        await tx.run(sql)


async def test_a_log_line_never_spoils_what_a_script_reads(house: House) -> None:
    await _runs(house, INSERT, mac="")
    for words in (("policy", "list"), ("policy", "history"), ("policy", "show", "code_minutes"), ("audit", "verify")):
        _, said, complained = await kp7(house, *words, "--json")
        json.loads(said)
        assert json.loads(complained)["event"] == "policy_unusable"


# --- rules that contradict each other ---------------------------------------------------------------------------------


def test_rules_that_contradict_each_other_do_not_count_that_day() -> None:
    """Both rows are genuine: two commands at once, or other settings since."""
    both = [entry(12, 0, 5, name="phone_digits_min"), entry(11, 3, name="phone_digits_max", at=2), entry(3, 0, at=3)]
    got = [effective(BASE, both, days(n)) for n in (2, 3, 5, 6)]
    assert [(s.phone_digits_min, s.phone_digits_max) for s in got] == [(9, 10), (9, 10), (9, 10), (9, 11)]
    assert {s.code_minutes for s in got} == {3}, "the others do"
    assert "phone_digits_min" not in policy.standing(BASE, both, DAY)


async def test_a_rule_that_would_contradict_one_of_a_later_day_is_refused(house: House) -> None:
    day = date.fromisoformat(today(house))
    later = (day + timedelta(9)).isoformat()
    assert (await told(house, "policy", "set", "phone_digits_max", "9", "--from", later))[0] == 0
    assert (await told(house, "policy", "set", "phone_digits_min", "9", "--from", day))[0] == 0
    code, said = await told(house, "policy", "set", "phone_digits_min", "10", "--from", day)
    assert (code, later in said) == (2, True)
    exception = ("--from", day, "--until", (day + timedelta(8)).isoformat())
    assert (await told(house, "policy", "set", "phone_digits_min", "10", *exception))[0] == 0


def test_a_rule_that_would_contradict_what_comes_back_after_an_exception_is_refused() -> None:
    exception = entry(12, 0, 5, name="phone_digits_max")
    assert policy._spoilt(BASE, [exception], entry(11, 0, 5, name="phone_digits_min", at=2)) is None
    assert policy._spoilt(BASE, [exception], entry(11, 0, name="phone_digits_min", at=2)) == days(6)


async def test_of_two_at_once_that_contradict_each_other_one_is_refused(postgres_url: str) -> None:
    one, other = [await Database.open(postgres_url) for _ in range(2)]
    vault = await opened(one, KEY.encode())

    async def least() -> None:
        async with other.write() as tx:
            await policy.set_rule(tx, vault, BASE, entry(10, 0, name="phone_digits_min", at=2))

    try:
        async with one.write() as tx:
            await policy.set_rule(tx, vault, BASE, entry(9, 0, name="phone_digits_max"))
            beside = asyncio.ensure_future(least())
            async with asyncio.timeout(30):
                while not await tx.one(WAITS):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
        with pytest.raises(policy.Refused, match=str(DAY)):
            await beside
    finally:
        await one.close()
        await other.close()


async def test_the_doctor_tells_of_rules_that_cannot_all_count(house: House, tmp_path: Path) -> None:
    await _sets(house, "phone_digits_min", 10)
    since = house.settings.model_copy(update={"phone_digits_max": 9})
    found = [(finding.level, finding.mend) async for finding in rules.look(Case(since))]
    assert found == [("warning", "Set one of them again with `kp7 policy set`."), ("ok", "")]
    nowhere = house.settings.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'none.db'}"})
    assert [finding.level async for finding in rules.look(Case(nowhere))] == ["skipped"]


# --- another master key -----------------------------------------------------------------------------------------------


async def test_rules_hold_under_another_master_key(tmp_path: Path) -> None:
    url, old = f"sqlite:///{tmp_path / 'kp7.db'}", KEY
    new = base64.b64encode(os.urandom(32)).decode()
    next_year = f"{local_date(wall_clock(), 'UTC').year + 1}-01-01"
    assert (await run(url, "policy", "set", "code_minutes", "3", "--from", next_year))[0] == 0
    assert (await run(url, "keys", "rotate", master_key=new, master_key_old=old))[0] == 0
    code, said, complained = await run(url, "policy", "show", "code_minutes", "--json", master_key=new)
    assert (code, complained) == (0, "")
    assert [row["value"] for row in json.loads(said)["rows"]] == [3]
    assert (await run(url, "audit", "verify", master_key=new))[0] == 0
