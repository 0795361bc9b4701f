"""Laws 2 and 3: many at a time end as if each had been alone; the same event counts once."""

import random
from typing import Any

import pytest

from bot.topic import Incoming
from tests.toy import Check, LookUp, Model, Refused, Save, Send
from tests.turn.rig import ID, MAIL, UNKNOWN, WRONG, Rig

SAID = (
    "register", "other", "back", "cancel", "help", "1", "2", ID, UNKNOWN, MAIL, MAIL, "malee@example.go.th", "123456",
    WRONG, "Nok", "choice.single", "choice.family", "choice.save", "choice.edit_id", "choice.edit_email",
    "choice.edit_kind", "choice.resend", "choice.yes",
)  # fmt: skip
STRAIGHT = ("register", ID, MAIL, MAIL, "123456", "choice.family", "2", "Nok", "Ek", "choice.save")


def perform(effect: Any) -> None:
    if effect == LookUp(UNKNOWN) or (isinstance(effect, Check) and effect.code == WRONG):
        raise Refused


def hears(model: Model, text: str) -> None:
    offered = Model.OFFERS.get(model.question, ())
    if text.startswith("choice.") and text.removeprefix("choice.") in offered:
        model.press(text.removeprefix("choice."))
    elif text in ("register", "other"):
        model.start(text)
    elif text == "back":
        model.back()
    elif text == "cancel":
        model.cancel()
    elif text != "help":
        model.say(text)


def a_chat(chance: random.Random) -> list[str]:
    """Mostly straight on, with anything in between."""
    said: list[str] = []
    for text in STRAIGHT * 2:
        said.append(text)
        while chance.random() < 0.3:
            said.append(chance.choice(SAID))
    return said


@pytest.mark.parametrize("seed", range(4))
async def test_many_at_once_end_as_if_each_had_been_alone(rig: Rig, seed: int) -> None:
    chance = random.Random(seed)
    chats = {f"person {n}": a_chat(chance) for n in range(20)}
    models = {who: Model(perform) for who in chats}
    left = {who: list(said) for who, said in chats.items()}
    incoming: list[Incoming] = []
    while left:
        who = chance.choice(sorted(left))
        text = left[who].pop(0)
        incoming.append(rig.event(who, text))
        if chance.random() < 0.1:
            incoming.append(incoming[-1])  # the platform sends it again
        if not left[who]:
            del left[who]
    outcomes = await rig.together(*incoming)
    assert outcomes.count("done") == sum(len(said) for said in chats.values())
    assert set(outcomes) == {"done", "duplicate"}
    assert max(rig.batches) == len(chats), "nothing was batched"
    accounts = {row["external_id"]: row["id"] for row in await rig.rows("SELECT id, external_id FROM accounts")}
    for who, said in chats.items():
        model = models[who]
        for text in said:
            hears(model, text)
        convo = await rig.talk(who)
        assert [frame.flow for frame in convo.frames] == model.stack
        kept = next((frame.results for frame in convo.frames if frame.flow == "register"), {})
        assert {key: value for key, (value, _) in kept.items()} == model.kept
        assert await rig.saved(who) == [[e.id, e.email, list(e.children)] for e in model.did if isinstance(e, Save)]
        assert rig.mails[accounts[who]] == [(e.id, e.email) for e in model.did if isinstance(e, Send)]
        asked = "child" if model.question.startswith("child.") else model.question
        assert len(rig.replies[who]) == len(said)
        assert rig.replies[who][-1][-1] == (f"ask.{asked}" if asked else "home.choose") or said[-1] == "help"
    assert len(await rig.rows("SELECT * FROM saved")) >= 10, "too few got to the end to prove anything"


async def test_fifty_times_the_same_event_is_one(rig: Rig) -> None:
    await rig.say("somchai", "enter")
    event = rig.event("somchai", "cancel")
    one = rig.event("somchai", "register", "again and again")
    outcomes = await rig.together(event, *[one] * 50)
    assert outcomes.count("done") == 2
    assert outcomes.count("duplicate") == 49
    assert len(rig.replies["somchai"]) == 3
    assert await rig.together(one) == ["duplicate"]
    [row] = await rig.rows("SELECT outcome FROM inbox WHERE event_id = 'again and again'")
    assert row["outcome"] == "done"


async def test_one_accounts_events_keep_their_order(rig: Rig) -> None:
    said = ["register", ID, MAIL, MAIL, "123456", "choice.family", "3", "Nok", "Ek", "Tao"]
    events = {who: [rig.event(who, text) for text in said] for who in ("somchai", "malee")}
    mixed = [event for pair in zip(*events.values(), strict=True) for event in pair]
    assert set(await rig.together(*mixed)) == {"done"}
    for who in events:
        kept = {key: value for key, (value, _) in (await rig.talk(who)).frames[0].results.items()}
        assert [kept[f"child.{n}"] for n in range(3)] == ["Nok", "Ek", "Tao"]
    rows = await rig.rows(f"SELECT event_id FROM inbox ORDER BY {rig.order}")
    for sent in events.values():
        ids = [event.event_id for event in sent]
        assert [row["event_id"] for row in rows if row["event_id"] in ids] == ids


async def test_of_two_accounts_that_come_with_the_same_event_id_only_the_first_is_heard(rig: Rig) -> None:
    await rig.say("somchai", "register")
    await rig.say("malee", "register")
    events = [rig.event(who, ID, "the same") for who in ("somchai", "malee")]
    assert await rig.together(*events) == ["done", "duplicate"]
    assert rig.batches[-1] == 2, "they were to meet in one batch"
    assert [*(await rig.talk("somchai")).frames[0].results] == ["id", "found"]
    assert [*(await rig.talk("malee")).frames[0].results] == []
    assert len(rig.replies["malee"]) == 1
    [row] = await rig.rows("SELECT external_id FROM inbox JOIN accounts ON id = account_id WHERE event_id = 'the same'")
    assert row["external_id"] == "somchai"
