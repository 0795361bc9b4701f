"""The conversations about the second factor, and about being away, in reading order. Pure (law 1, see `bot.flow`)."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from bot import thai
from bot.answers import typed
from bot.events import Invalid, Say
from bot.flow import Ask, Choice, Do, Script
from handlers.identity.effects import StepUpNeeded
from handlers.identity.script import mailed_code
from handlers.organisation import effects as do
from handlers.organisation.standing import Standing

DIGITS = 6  # of every authenticator
DAYS_AWAY = 60


def proven(standing: Standing) -> Script[None]:
    """The first part of whatever only an officer may do: afterwards this chat has proved the second factor.

    Who has none yet sets it up on a page; who is no officer goes no further. The proof may run out while the rest is
    asked: then the digits are asked for again, and what does the thing looks for itself (`proofs.proved`).
    """
    holds = standing.officer is not None
    if (yield from Do[bool]("factor_needed", do.NeedsFactor(holds))):  # as it was when this began: the page changes it
        yield from _set_up(standing)
    if not standing.proved:
        yield from Ask[bool](
            "factor",
            typed(partial(thai.otp, digits=DIGITS)),
            keep=lambda _: False,  # what counts is what is proved now
            check=do.CheckFactor,
            input="digits",
        )


def _set_up(standing: Standing) -> Script[None]:
    """On a page, so that the secret goes through no chat. Only who reads the officer's mailbox comes to it."""
    if (yield from Do[bool]("step_up_needed", StepUpNeeded())):
        yield from mailed_code(standing.code_digits, "step_up")
    page = yield from Do[dict[str, str]]("factor_page", do.OpenFactorPage())
    yield from Ask[str](
        "set_up_factor",
        choices=(
            Choice("factor_page", style="primary", link=page["path"]),
            Choice("factor_done"),
            Choice("new_link", reopen=("step_up_needed", "step_up.sent", "step_up.code", "factor_page")),
        ),
    )
    yield from Do[bool]("factor_set_up", do.FactorSetUp(), final=True)


def second_factor(standing: Standing, _args: Mapping[str, Any]) -> Script[Say]:
    yield from proven(standing)
    return Say("factor.ready")


def hand_over(standing: Standing, _args: Mapping[str, Any]) -> Script[Say]:
    """Away for some days: a colleague who holds the same role has the queue. Nothing is passed on by it."""
    if standing.officer is None:
        return Say("error.not_officer")
    yield from proven(standing)
    found = yield from Do[dict[str, Any]]("colleagues", do.Colleagues())
    if found["until"]:
        until = date.fromisoformat(found["until"])
        choices = (Choice("hand_over_end", style="primary"), Choice("hand_over_keep"))
        if (yield from Ask[str]("hand_over_away", choices=choices, params={"until": until})) == "hand_over_keep":
            return Say("hand_over.kept", {"until": until})
        yield from Do[bool]("back", do.ComeBack(), final=True)
        return Say("hand_over.back")
    if not found["people"]:
        return Say("hand_over.nobody")
    names = {str(id): str(name) for id, name in found["people"]}
    who = yield from Ask[str](
        "hand_over_who",
        choices=tuple(Choice(id, label="choice.hand_over_who", params={"name": name}) for id, name in names.items()),
        keep=lambda id: id in names,
    )
    last = yield from Ask[str]("hand_over_until", typed(_last_day(date.fromisoformat(found["today"]))))
    words = {"name": names[who], "until": date.fromisoformat(last)}
    yield from Ask[str]("hand_over_sure", choices=(Choice("hand_over_yes", style="primary"),), params=words)
    yield from Do[bool]("handed_over", do.HandOver(who, last), final=True)
    return Say("hand_over.done", words)


def _last_day(today: date) -> Callable[[str], str]:
    def read(text: str) -> str:
        day = thai.parse_date(text)
        if not 0 <= (day - today).days <= DAYS_AWAY:
            raise Invalid("hand_over_day", limit=today + timedelta(DAYS_AWAY))
        return day.isoformat()

    return read
