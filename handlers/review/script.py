"""The conversations of officers about what waits for them, in reading order. Pure (law 1, see `bot.flow`).

`review` walks through the queue, the oldest first; the others are what a button on a card starts. What is decided names
exactly what was shown: a card comes from an effect, and stands as it was until its question is answered.
"""

from collections.abc import Mapping
from typing import Any

from bot import thai
from bot.events import File, Invalid, Say, Text
from bot.flow import Ask, Choice, Do, Script, Then
from handlers.organisation.script import proven
from handlers.organisation.standing import Standing
from handlers.review import effects as do
from handlers.review.packing import unpack
from handlers.review.queue import NEEDS
from handlers.review.rules import OTHER, WORDS_MOST, reasons

Card = Mapping[str, Any]


def review(standing: Standing, args: Mapping[str, Any]) -> Script[Any]:
    """`after`: the last item that was left for later."""
    if standing.officer is None:
        return Say("error.not_officer")
    if not any(standing.officer.may(action) for action in NEEDS.values()):  # the menu does not know which role it is
        return Say("review.not_of_this_role")
    yield from proven(standing)
    after = args.get("after", [-1, ""])
    card = yield from Do[Card]("next", do.Next(after[0], after[1]))
    if not card:
        return Say("review.end" if args else "review.none")
    if (yield from Do[bool]("gone", do.Gone(card["item"], card["seen"]))):  # by whom has been said
        return Then("review", {"after": after})
    chosen = yield from Ask[str](
        f"item.{card['item']}.{card['seen']}",
        choices=(*_verdicts(card), *_open(card), Choice("review_later"), Choice("review_stop", style="quiet")),
        text="ask.review",
        params=_shown(card),
        pictures=tuple(card["pictures"]),
        anew=("gone",),
    )
    match chosen:
        case "review_stop":
            return Say("review.stopped")
        case "review_later":
            return Then("review", {"after": card["place"]})
        case "review_open":
            return Then("open_item", {"item": card["item"], "seen": card["seen"], "after": after})
    yield from _decided(card, chosen)
    return Then("review", {"after": after})


def approve(standing: Standing, args: Mapping[str, Any]) -> Script[Any]:
    """What comes first on a card; one press decides, unless something is to be asked first."""
    card = yield from _looked(standing, args)
    if card is None:
        return None
    if not card["options"]:
        return Say("review.not_yours", _shown(card))
    yield from _decided(card, _verdicts(card)[0].value)
    return None


def return_item(standing: Standing, args: Mapping[str, Any]) -> Script[Any]:
    """What comes second on a card: a paper goes back, with a reason."""
    card = yield from _looked(standing, args)
    if card is None:
        return None
    if not card["options"]:
        return Say("review.not_yours", _shown(card))
    yield from _decided(card, _verdicts(card)[-1].value)
    return None


def open_item(standing: Standing, args: Mapping[str, Any]) -> Script[Any]:
    """All of it, on a page; it is decided here. `after`: it goes on with the queue after that."""
    if standing.officer is None:
        return Say("error.not_officer")
    yield from proven(standing)
    on = Then("review", {"after": args["after"]}) if "after" in args else None
    card = yield from Do[Any]("opened", do.Open(str(args["item"]), str(args["seen"])))
    if card is True:  # and why not has been said
        return on
    link = (
        Choice("open_page", style="primary", label="choice.open_paper", link=card["path"]),
        Choice("new_link", reopen=("opened",)),
    )
    chosen = yield from Ask[str](
        f"open.{card['item']}.{card['seen']}",
        choices=(
            *link,
            *_verdicts(card, quiet=True),
            Choice("review_back" if on else "review_stop", style="quiet"),
        ),
        text="ask.review_open",
        params=_shown(card),
    )
    if chosen in ("review_back", "review_stop"):
        return on
    yield from _decided(card, chosen)
    return on


# --- parts ------------------------------------------------------------------------------------------------------------


def _looked(standing: Standing, args: Mapping[str, Any]) -> Script[Card | None]:
    """None: why not has been said."""
    if standing.officer is None:
        yield from Do[bool]("no_officer", Say("error.not_officer"))
        return None
    yield from proven(standing)
    card = yield from Do[Any]("looked", do.Look(str(args["item"]), str(args["seen"])))
    return None if card is True else card


def _verdicts(card: Card, *, quiet: bool = False) -> tuple[Choice, ...]:
    waiver = card["kind"] == "waiver"
    return tuple(
        Choice(
            wanted,
            style="normal" if quiet or style == "danger" else style,
            label=f"choice.waive_{wanted}" if waiver else f"choice.decide_{wanted}",
        )
        for wanted, style, _ in card["options"]
    )


def _open(card: Card) -> tuple[Choice, ...]:
    return (Choice("review_open"),) if card["sheets"] else ()


def _shown(card: Card) -> dict[str, object]:
    return {
        "title": unpack(card["title"]),
        "lines": tuple(unpack(line) for line in card["lines"]),
        "place": Say("review.left", {"n": card["left"]}) if card["left"] else "",
    }


def _decided(card: Card, wanted: str) -> Script[None]:
    """With what must come with this verdict."""
    asks = next(asks for one, _, asks in card["options"] if one == wanted)
    reason = words = ""
    sure = False
    about, which = unpack(card["title"]), f"{card['item']}.{card['seen']}"
    match asks:
        case "reason":
            codes = reasons(card["slot"], waiver=card["kind"] == "waiver")
            given = yield from Ask[Any](
                f"reason.{which}",
                _own_words,
                choices=tuple(Choice(code, label=f"reason.{code}") for code in codes if code != OTHER),
                text="ask.review_reason",
                params={"title": about},
            )
            reason, words = (given, "") if isinstance(given, str) else (OTHER, given["words"])
        case "words":
            given = yield from Ask[Any](f"words.{which}", _own_words, text="ask.review_words", params={"title": about})
            words = given["words"]
        case "sure":
            yield from Ask[str](
                f"sure.{which}",
                choices=(Choice("sure", style="primary", label=f"choice.decide_{wanted}"),),
                text="describe.sure",
                params={"name": card["name"]},
            )
            sure = True
    yield from Do[bool]("decided", do.Decide(card["item"], card["seen"], wanted, reason, words, sure), final=True)  # type: ignore[arg-type]  # one of the card's options


def _own_words(event: Text | File) -> dict[str, str]:
    if isinstance(event, File):
        raise Invalid("no_file_here")
    words = thai.clean(event.body)
    if not words:
        raise Invalid("choose")
    if len(words) > WORDS_MOST:
        raise Invalid("reason_long", limit=WORDS_MOST)
    return {"words": thai.legible(words)}
