"""What an officer may want of an item; why a paper comes back: ready reasons for each kind of paper, and room for the
officer's own words. Pure."""

from typing import Literal, get_args

from bot import thai
from bot.events import Invalid
from handlers.documents.rules import slot_of

Wanted = Literal["approve", "return", "confirm", "refuse", "unlock", "keep", "cut_off", "answer"]
WANTED: tuple[Wanted, ...] = get_args(Wanted)

OTHER = "other"  # so it is called in `desk/static/asking.js`, too
WORDS_MOST = 500

_ANY = ("blurred", "cut_off", "page_missing", "not_certified", "wrong_paper", "other_person")
_OF_NONE = ("no_waiver",)  # of "I have no such paper"
_OF_CARDS = ("expired",)  # whoever's card it is
_MORE = {  # by `Slot.kind`
    "house": ("old_copy",),
    "entry_degree": ("not_equal",),
    "top_degree": ("not_equal",),
    "licence": ("expired",),
}


def reasons(slot: str, *, waiver: bool = False) -> tuple[str, ...]:
    """Codes, the likeliest first; in words `reason.<code>`. The last one is `other`, which needs words. `waiver`: the
    person says that there is no such paper."""
    if waiver:
        return (*_OF_NONE, OTHER)
    found = slot_of(slot)
    more = _OF_CARDS if found.is_card else _MORE.get(found.kind, ())
    return (*_ANY, *more, OTHER)


def check_reason(slot: str, reason: str, words: str, *, waiver: bool = False) -> None:
    """Raises `Invalid`: reason_needed, reason_unknown, reason_long, words_piled."""
    if reason not in reasons(slot, waiver=waiver):
        raise Invalid("reason_unknown" if reason else "reason_needed")
    if reason == OTHER and not words.strip():
        raise Invalid("reason_needed")
    if len(words) > WORDS_MOST:
        raise Invalid("reason_long", limit=WORDS_MOST)
    thai.legible(words)
