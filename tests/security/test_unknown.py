"""Nobody learns whom the record knows (OTP9), and nobody guesses their way through the identity check (ID1)."""

import asyncio
import json
import re
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from handlers.identity import effects, record
from storage.vault import Keyring
from tests.cast import ANAN, PRIYA, STRANGER, SUK, Player
from tests.house import Chat, House, a_house
from tests.security.tools import Lab, all_said, proves, rows, words

WRONG = "AA0000000000"


async def along(house: House, who: Player, steps: Sequence[str], language: str = "th") -> list[str]:
    """Every screen from the ID on, with numbers that differ by nature made equal."""
    chat = await house.somebody(language)
    await chat.begins(who.national_id)
    seen = [words(chat.screen)]
    for step in steps:
        await (chat.taps(step) if step.startswith(("choice.", "control.")) else chat.says(step))
        seen.append(re.sub(r"\b\d{6}\b", "######", words(chat.screen)))
    return seen


NAME, BORN = ANAN.name, ANAN.born
PATHS = {
    "to the refusal and the stop": (NAME, BORN, *(WRONG,) * 6),
    "to HR": (NAME, BORN, WRONG, WRONG, WRONG, "choice.ask_officer", "สวัสดี", "control.cancel"),
    "birth date unknown": (NAME, "choice.birth_unknown", "control.cancel"),
    "back and forth": ("x", NAME, "yesterday", BORN, "control.back", BORN, "laser?", WRONG, "control.help"),
}


@pytest.mark.parametrize("path", PATHS)
async def test_an_unknown_id_walks_the_very_path_of_a_known_one(house: House, path: str) -> None:
    known, unknown = [await along(house, who, PATHS[path]) for who in (ANAN, STRANGER)]
    assert known == unknown


async def test_in_english_too(house: House) -> None:
    path = PATHS["to the refusal and the stop"]
    known, unknown = [await along(house, who, path, "en") for who in (ANAN, STRANGER)]
    assert known == unknown


async def test_and_where_hr_checks_everybody(tmp_path: Path) -> None:
    async with a_house(tmp_path, card_verifier="officer") as house:
        known, unknown = [
            await along(house, who, (NAME, BORN, "สวัสดี", "control.help", "control.cancel")) for who in (ANAN, STRANGER)
        ]
    assert known == unknown


async def test_somebody_retired_is_somebody_unknown(house: House) -> None:
    """Suk has an address on record, and a card that fits; he has left."""
    path = (SUK.name, SUK.born, SUK.laser, "control.cancel")
    retired, unknown = [await along(house, who, path) for who in (SUK, STRANGER)]
    assert retired == unknown
    assert not house.post.mails


async def test_the_roster_takes_no_longer_than_nobody(tmp_path: Path) -> None:
    """Known and unknown in turn, 200 times each: a median gap of at most 5 ms, or a tenth on a slow machine."""
    took: dict[tuple[str, str], list[float]] = {}

    def note(step: str, who: Player, began: float) -> None:
        took.setdefault((step, who.name), []).append(time.perf_counter() - began)

    async with a_house(tmp_path) as house:
        unbraked = {"identity_tries_per_day": 10**6}  # as no office can set it
        house.kp7.policy.settings = house.kp7.policy.settings.model_copy(update=unbraked)
        shown: dict[str, Chat] = {}
        for who in (ANAN, STRANGER):
            shown[who.name] = await house.somebody()
            await proves(shown[who.name], who, laser=WRONG)
        lab = Lab(house, house.settings.model_copy(update={"lookups_per_hour": 10**6}))
        account = await lab.account(shown[STRANGER.name])
        for _ in range(200):
            for who in (ANAN, STRANGER):
                began = time.perf_counter()
                await shown[who.name].post({"text": WRONG})
                note("card", who, began)
                began = time.perf_counter()
                async with lab.desk(account, undo=True) as desk:
                    await record.look_up(desk, effects.LookUp(who.national_id))
                note("id", who, began)
    for step in ("card", "id"):
        known, unknown = (statistics.median(took[step, who.name]) for who in (ANAN, STRANGER))
        assert abs(known - unknown) <= max(0.005, unknown / 10), (
            f"{step}: {known * 1000:.1f} ms and {unknown * 1000:.1f} ms"
        )


# --- ID1 ------------------------------------------------------------------------------------------------------------


async def test_the_sixth_try_of_a_chat_fails_even_if_right(house: House) -> None:
    chat = await house.somebody()
    await proves(chat, PRIYA, laser=WRONG)
    chat.sees("error.identity_mismatch")
    for _ in range(4):
        await chat.says(WRONG)
    await chat.taps("control.cancel")
    await proves(chat, ANAN)  # another ID, and all of it right
    chat.sees("error.identity_stopped")
    house.clock.forward(hours=24, minutes=1)
    later = await house.somebody()
    await proves(later, ANAN)
    later.sees("ask.email")


async def test_the_sixth_try_of_an_id_fails_whoever_tries(house: House) -> None:
    for _ in range(5):
        await proves(await house.somebody(), ANAN, laser=WRONG)
    owner = await house.somebody()
    await proves(owner, ANAN)
    owner.sees("error.identity_stopped")
    neighbour = await house.somebody()
    await proves(neighbour, PRIYA)
    neighbour.sees("register.form_needed")


async def test_whoever_is_stopped_can_ask_hr(house: House) -> None:
    """Others have used up Anan's tries. "Or let an officer check" says the sentence: there must be a button for it."""
    for _ in range(5):
        await proves(await house.somebody(), ANAN, laser=WRONG)
    owner = await house.somebody()
    await proves(owner, ANAN)
    owner.sees("error.identity_stopped")
    await owner.taps("choice.ask_officer")
    owner.sees("wait.officer")


async def test_parallel_tries_are_counted_one_by_one(house: House) -> None:
    chat = await house.somebody()
    await chat.begins(ANAN.national_id)
    for answer in (ANAN.name, ANAN.born):
        await chat.says(answer)
    await asyncio.gather(*(chat.post({"text": f"AA{n:010d}"}) for n in range(20)))
    await all_said(house)
    tried = await rows(house, "SELECT COUNT(*) AS n FROM attempts WHERE kind = 'identity' GROUP BY subject")
    assert tried == [{"n": 5}, {"n": 5}], "five for the chat, five for the ID"
    await chat.says(ANAN.laser)
    chat.sees("error.identity_stopped")


async def test_hrs_check_is_offered_after_three(house: House) -> None:
    chat = await house.somebody()
    await proves(chat, ANAN, laser=WRONG)
    for offered in (False, False, True):
        assert ("ให้เจ้าหน้าที่ตรวจสอบ" in chat.screen.labels) is offered
        await chat.says(WRONG)
    await chat.taps("choice.ask_officer")
    chat.sees("wait.officer")


async def test_every_detail_must_fit(house: House) -> None:
    for name, born in (("มาลี สมมติ", ANAN.born), (ANAN.name, "29 พ.ย. 2519")):
        chat = await house.somebody()
        await proves(chat, Player(ANAN.national_id, name, born, ANAN.laser))
        chat.sees("error.identity_mismatch")
    chat = await house.somebody()
    await proves(chat, ANAN, laser=PRIYA.laser)  # a genuine code, of another card
    chat.sees("error.identity_mismatch")


async def test_the_laser_code_is_kept_nowhere(house: House) -> None:
    """Not even sealed: every value that the chat's and the person's keys open is read."""
    chat = await house.somebody()
    await proves(chat, ANAN)
    chat.sees("ask.email")
    opened: list[str] = []
    vault = house.kp7.vault
    keys = Keyring(*(vault.unwrap(k["id"], k["wrapped"]) for k in await rows(house, "SELECT * FROM keys")))
    for table, id, column in (
        ("conversations", "account_id", "state"),
        ("outbox", "id", "body"),
        ("chat_messages", "id", "body"),
        ("identity_checks", "id", "claim"),
    ):
        found = await rows(house, f"SELECT {id} AS id, {column} AS sealed FROM {table}")
        opened += [json.dumps(keys.open(row["sealed"], table, row["id"], column), ensure_ascii=False) for row in found]
    assert any(ANAN.national_id in value for value in opened)
    assert not any("3000000303" in value for value in opened)
