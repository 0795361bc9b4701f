"""The office's rules change on their day, while the server runs; what was in force before can still be told."""

import asyncio
import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import policy, pulse
from bot.policy import RULES, Entry, effective, in_force
from bot.settings import Settings
from bot.text import Texts
from bot.times import local_date
from tests.cast import MALEE, SOMCHAI
from tests.command import told
from tests.house import House, a_house
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


# --- while the server runs --------------------------------------------------------------------------------------------


def today(house: House) -> str:
    return local_date(house.clock(), house.settings.timezone).isoformat()


async def soon(house: House, name: str, value: object) -> None:
    assert pulse.EVERY_SECONDS <= 0.5, "within a second, where the machine is not busy"
    async with asyncio.timeout(5):
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
    await house.kp7.policy.refresh(house.kp7.database)
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
    assert json.loads(line["detail"]) == {
        "rule": "self_service_before", "value": "2019-01-01", "from": day, "until": None
    }  # fmt: skip


async def test_what_is_refused_leaves_no_row(house: House) -> None:
    day = today(house)
    for words in (
        ("no_such_rule", "1", "--from", day),
        ("code_minutes", "3", "--from", "2020-01-01"),
        ("phone_digits_min", "11", "--from", day),
    ):
        assert (await told(house, "policy", "set", *words))[0] == 2, words
    assert await rows(house, "SELECT * FROM policy") == []


async def test_a_row_that_somebody_wrote_past_the_command_weakens_nothing(house: House) -> None:
    async with house.kp7.database.write() as tx:
        for id, name, value in (("a", "code_guesses", "500"), ("b", "master_key", '"x"'), ("c", "code_minutes", "x")):
            await tx.run(
                "INSERT INTO policy VALUES (:id, :name, :value, '2020-01-01', NULL, 'me', 1)",
                {"id": id, "name": name, "value": value},
            )
    with structlog.testing.capture_logs() as said:
        await house.kp7.policy.refresh(house.kp7.database)
    assert [line["row"] for line in said if line["event"] == "policy_unusable"] == ["a", "b", "c"]
    assert house.kp7.policy.settings == house.kp7.settings
