"""How an officer comes from the chat to the desk. Pure (law 1, see `bot.flow`)."""

from collections.abc import Mapping
from typing import Any

from bot.events import Say
from bot.flow import Ask, Choice, Do, Script, Then
from handlers.organisation.roles import ACTIONS
from handlers.organisation.standing import Standing
from handlers.review.desk import effects as do


def desk(standing: Standing, _args: Mapping[str, Any]) -> Script[Any]:
    """The digits are asked for on the page: each of them counts once, so not here, too."""
    if standing.officer is None:
        return Say("error.not_officer")
    if not any(standing.officer.may(action) for action in ACTIONS):  # numbers are something to see there, too
        return Say("review.not_of_this_role")
    if not standing.enrolled:
        return Then("second_factor", say=(Say("desk.factor_first"),))
    page = yield from Do[dict[str, str]]("desk_page", do.OpenDesk())
    yield from Ask[str](
        "desk",
        choices=(
            Choice("desk_open", style="primary", link=page["path"]),
            Choice("new_link", reopen=("desk_page",)),
            Choice("desk_done"),
        ),
    )
    return Say("desk.see_you")
