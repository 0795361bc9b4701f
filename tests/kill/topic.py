"""The toy registration of `tests.toy` as a topic of a real server, with effects that leave traces.

Its words are their own keys. A code that begins with 9 is handed on: its result comes back as an event, by the outbox.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from bot.events import Invalid, Language
from bot.flow import Ask, Choice, Script
from bot.text import Texts, fold
from bot.topic import Context, Equipment, Flow, Later, Topic, Visitor
from storage.database import Tx
from tests import toy
from tests.toy import Check, LookUp, Save, Send

UNKNOWN, WRONG, HANDED = "404", "246810", "999999"


class Keys(Texts):
    """A command is the last part of its key: `words.start.register` is typed `register`."""

    def __init__(self, timezone: str = "Asia/Bangkok") -> None:
        self.used = set()
        self.timezone = ZoneInfo(timezone)

    def __call__(self, language: Language, key: str, params: Mapping[str, object] = MappingProxyType({})) -> str:
        return key

    def has(self, key: str) -> bool:
        return False

    def words(self, key: str) -> frozenset[str]:
        return frozenset({fold(key.rpartition(".")[2])})


def other() -> Script[None]:
    yield from Ask[str]("reason", choices=(Choice("yes"),))


async def look_up(_: Context, effect: LookUp) -> bool:
    if effect.id == UNKNOWN:
        raise Invalid("unknown")
    return True


async def send(context: Context, effect: Send) -> bool:
    content = {"to": effect.email, "language": "th", "text": "mail.toy", "params": {}}
    context.post("mail", "toy", content, context.visitor.key)
    return True


async def check(context: Context, effect: Check) -> bool:
    if effect.code == WRONG:
        raise Invalid("wrong_code")
    if effect.code == HANDED:
        result = {"flow": context.flow, "key": context.key, "attempt": context.attempt, "value": True}
        to = {"channel": context.visitor.channel, "external_id": context.visitor.external_id, "result": result}
        context.post("event", "result", to, context.visitor.key)
        raise Later
    return True


async def save(context: Context, effect: Save) -> bool:
    await context.tx.run(
        "INSERT INTO saved (account, what) VALUES (:account, :what)",
        {"account": context.visitor.external_id, "what": json.dumps([effect.id, effect.email, effect.children])},
    )
    return True


async def facts(_: Tx, visitors: Sequence[Visitor], __: int) -> dict[str, None]:
    return {visitor.id: None for visitor in visitors}


def plain(script: Callable[[], Script[Any]]) -> Callable[[Any, Mapping[str, Any]], Script[Any]]:
    return lambda _facts, _args: script()


def topics(_house: Equipment) -> Sequence[Topic]:
    scripts = {"register": toy.registration, "other": other}
    flows = {name: Flow(plain(script), private=False) for name, script in scripts.items()}
    effects: dict[type, Any] = {LookUp: look_up, Send: send, Check: check, Save: save}
    return (Topic(flows, effects, facts, lambda _: tuple(flows)),)
