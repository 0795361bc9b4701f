"""A toy topic with buttons that outlive a screen: somebody is told of a thing, with three buttons and pictures.

One button does something at once, one asks first, one is for anybody, logged in or not.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.answers import typed
from bot.events import Say
from bot.flow import Ask, Choice, Do, Script
from bot.outbox import Entry
from bot.topic import Act, Context, Equipment, Flow, Topic, Visitor, Words
from storage.database import Tx
from tests.house import House
from tests.security.tools import rows
from tests.toy_house import a_toy_house

WORDS = {
    "cards.told": "มีเรื่องรอท่านอยู่ค่ะ",
    "cards.done": "เรียบร้อยค่ะ",
    "cards.late": "เรื่องนี้มีคนทำไปแล้วค่ะ",
    "cards.because": "ทราบแล้วค่ะ เพราะ {why}",
    "cards.public": "ใครก็อ่านได้ค่ะ",
    "cards.why": "ส่งคืนฉบับ {n}",
    "act.card_tick": "ตกลง",
    "act.card_public": "อ่าน",
    "ask.cards.why": "เพราะเหตุใดคะ",
    "ask.cards.talk": "ว่าอย่างไรคะ",
    "choice.cards_end": "จบ",
    **{f"resume.{flow}": f"กลับมาที่ {flow} ค่ะ" for flow in ("card_tick", "card_why", "card_public", "card_talk")},
    "menu.card_talk": "คุย",
    "words.start.card_talk": "talk",
}


@dataclass(frozen=True)
class Tick:
    item: str
    seen: str


@dataclass(frozen=True)
class Because:
    item: str
    why: str


def tick(_: None, args: Mapping[str, Any]) -> Script[None]:
    yield from Do[bool]("cards.ticked", Tick(args["item"], args["seen"]))


def why(_: None, args: Mapping[str, Any]) -> Script[None]:
    because = yield from Ask[str]("cards.why", typed(str))
    yield from Do[bool]("cards.because", Because(args["item"], because), final=True)


def public(_: None, __: Mapping[str, Any]) -> Script[Say]:
    yield from ()
    return Say("cards.public")


def talk(_: None, __: Mapping[str, Any]) -> Script[None]:
    yield from Ask[str]("cards.talk", choices=(Choice("cards_end"),), pictures=("/f/one", "/f/two"))


@dataclass
class Cards:
    """`ticked`: what was pressed, in order. `current`: what a button must have seen to be taken."""

    current: str = "0123abcd"
    ticked: list[Tick | Because] = field(default_factory=list)
    words: Words = field(default_factory=lambda: Words("cards.told"))

    def topic(self, _: Equipment) -> Topic:
        return Topic(
            flows={
                "card_tick": Flow(tick), "card_why": Flow(why), "card_public": Flow(public, private=False),
                "card_talk": Flow(talk),
            },
            effects={Tick: self.ticks, Because: self.because},
            facts=self.facts,
            menu=lambda visitor: ("card_talk",) if visitor.logged_in else (),
            notices={"card": self.truth},
            acts={"x": "card_tick", "y": "card_why", "z": "card_public"},
        )  # fmt: skip

    async def facts(self, _: Tx, visitors: Sequence[Visitor], __: int) -> dict[str, None]:
        return dict.fromkeys(visitor.id for visitor in visitors)

    async def truth(self, _: Tx, __: Entry, ___: int) -> Words:
        return self.words

    async def ticks(self, _: Context, effect: Tick) -> Say:
        if effect.seen != self.current:
            return Say("cards.late")
        self.ticked.append(effect)
        return Say("cards.done")

    async def because(self, _: Context, effect: Because) -> Say:
        self.ticked.append(effect)
        return Say("cards.because", {"why": effect.why})


def buttons(item: str, seen: str = "0123abcd") -> tuple[Act, ...]:
    """Of one card."""
    return (
        Act("x", item, seen, style="primary"),
        Act("y", item, seen, "cards.why", {"n": 2}),
        Act("z", item, seen, style="quiet"),
    )


async def tell(house: House, cards: Cards, words: Words) -> None:
    """Whoever has said something last."""
    cards.words = words
    await post(house, "notice", {}, "card")


async def post(house: House, kind: str, content: Mapping[str, Any], purpose: str = "notice") -> None:
    """A row of the outbox for whoever has said something last."""
    (account,) = await rows(
        house,
        "SELECT a.id, a.external_id, a.key_id, k.wrapped FROM accounts a JOIN keys k ON k.id = a.key_id "
        "ORDER BY a.seen_at DESC, a.id DESC LIMIT 1",
    )
    key = house.kp7.vault.unwrap(account["key_id"], account["wrapped"])
    content = {"to": account["external_id"], **content}
    async with house.kp7.database.write() as tx:
        entry = Entry.make(kind, purpose, content, key, now=house.clock(), account_id=account["id"])
        written = await house.kp7.outbox.insert(tx, [entry])
    house.kp7.outbox.dispatch(written)


@asynccontextmanager
async def some_cards(monkeypatch: pytest.MonkeyPatch, folder: Path, **more: Any) -> AsyncIterator[tuple[House, Cards]]:
    cards = Cards()
    async with a_toy_house(monkeypatch, folder, cards.topic, WORDS, **more) as house:
        yield house, cards
