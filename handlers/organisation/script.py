"""The conversations about the second factor, in reading order. Pure (law 1, see `bot.flow`)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from bot import thai
from bot.answers import typed
from bot.events import Say
from bot.flow import Ask, Choice, Do, Script
from handlers.identity.effects import StepUpNeeded
from handlers.identity.script import mailed_code
from handlers.organisation import effects as do
from handlers.organisation.standing import Standing

DIGITS = 6  # of every authenticator


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
