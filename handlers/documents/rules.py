"""Which papers somebody owes, and where each of them stands: the table of letter มท ๐๔๐๒.๕/ว ๓๕๗๘. Pure.

What the letter does not state is an option of the campaign (`Options`), not a constant: whether each child counts, and
whether one degree may serve as both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Literal

import orjson

from bot.values import frozen

CHILDREN_MOST = 20
LEVELS_MOST = 2

# missing → taken → received (certified) → submitted → approved, or returned; `asked`: "I have no such paper", which
# when it is handed in is `waiting` for HR to waive it
State = Literal["missing", "taken", "received", "asked", "submitted", "waiting", "approved", "returned", "waived"]
IN_HAND: frozenset[State] = frozenset({"received", "asked", "submitted", "waiting", "approved", "waived"})
DONE: frozenset[State] = frozenset({"approved", "waived"})
HANDED_IN: frozenset[State] = frozenset({"submitted", "waiting", *DONE})  # what was returned is the person's again


@frozen
class Options:
    """`each_child`: one card a child, rather than one for all of them. `reuse_degree`: where the degree of the
    appointment is also the highest, it need not be handed in twice. `purpose`: what the papers may be used for, as it
    stands in the mark of certification; empty: the catalogue's words. `levels`: how many verdicts a paper needs, 1 or
    2, of different officers."""

    each_child: bool = True
    reuse_degree: bool = True
    purpose: str = ""
    levels: int = 1


def write_options(options: Options) -> str:
    return orjson.dumps(asdict(options), option=orjson.OPT_SORT_KEYS).decode()


def read_options(text: str) -> Options:
    """What another version wrote is no fault: what it did not know is as by default, what we do not know is left."""
    try:
        stored = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Options()
    if not isinstance(stored, dict):
        return Options()
    usual = asdict(Options())
    known = Options(**{name: stored[name] for name in usual if type(stored.get(name)) is type(usual[name])})
    return replace(known, levels=min(max(known.levels, 1), LEVELS_MOST))


@frozen
class Family:
    """What the person has answered. `same_degree`: the highest degree is the one they were appointed with."""

    father_died: bool = False
    mother_died: bool = False
    spouse: bool = False
    children: int = 0
    same_degree: bool = False
    licence: bool = False
    name_changed: bool = False


@frozen
class Slot:
    """A paper that is owed.

    `id`: what is stored, for ever the same. `kind`: which paper, in words `paper.<kind>`. `number`: its place in the
    letter's table, as in the name of the exported file. `nth`: which child, from 1. `reuses`: the slot whose paper
    serves here too.
    """

    id: str
    kind: str
    number: str
    nth: int = 0
    reuses: str = ""

    @property
    def is_card(self) -> bool:
        """An ID card, which has on it what is nobody's business."""
        return self.kind.endswith("_card")


def slots(family: Family, options: Options) -> tuple[Slot, ...]:
    """In the order of the letter."""
    reuse = family.same_degree and options.reuse_degree
    children = family.children if options.each_child else min(family.children, 1)
    found = [
        Slot("id_card", "id_card", "01"),
        Slot("house", "house", "02"),
        _parent("father", "03", died=family.father_died),
        _parent("mother", "04", died=family.mother_died),
    ]
    if family.spouse:
        found.append(Slot("spouse", "spouse_card", "05"))
    found += [Slot(f"child.{n}", "child_card", f"06{n}", nth=n) for n in range(1, children + 1)]
    for place, number in (("entry", "07"), ("top", "08")):
        found += [
            Slot(f"{place}.{part}", f"{place}_{part}", number + letter, reuses=f"entry.{part}" if again else "")
            for part, letter in (("degree", "a"), ("transcript", "b"))
            for again in [reuse and place == "top"]
        ]
    if family.licence:
        found.append(Slot("licence", "licence", "09"))
    if family.name_changed:
        found.append(Slot("name_change", "name_change", "10"))
    return tuple(found)


def _parent(who: str, number: str, *, died: bool) -> Slot:
    """A paper of the living and one of the dead are two slots: an answer that was wrong costs no paper."""
    return Slot(f"{who}.death", f"{who}_death", number) if died else Slot(who, f"{who}_card", number)


_EVERYBODY = (
    Family(spouse=True, children=CHILDREN_MOST, licence=True, name_changed=True),
    Family(father_died=True, mother_died=True),
)
EVERY_SLOT: Mapping[str, Slot] = {slot.id: slot for family in _EVERYBODY for slot in slots(family, Options())}


def slot_of(id: str) -> Slot:
    """The slot of that id, whoever owes it. Raises `KeyError`."""
    return EVERY_SLOT[id]


def owed(family: Family, options: Options, handed_in: Iterable[str]) -> tuple[Slot, ...]:
    """`slots`, with those that were handed in: they stay, whatever the answers have become since."""
    found = {slot.id: slot for slot in slots(family, options)}
    found |= {id: EVERY_SLOT[id] for id in handed_in if id in EVERY_SLOT}
    return tuple(sorted(found.values(), key=place))


def place(slot: Slot) -> tuple[str, int, str]:
    """In the letter: 0610 is the tenth child, and comes after 069."""
    return slot.number[:2], slot.nth, slot.number


@frozen
class Checklist:
    """The slots of one person, with the state of each."""

    slots: tuple[Slot, ...]
    states: tuple[State, ...]

    @property
    def whole(self) -> int:
        """How many papers are owed; those that serve twice count once."""
        return sum(not slot.reuses for slot in self.slots)

    @property
    def handed_in(self) -> int:
        """How many of these."""
        return sum(state in HANDED_IN and not slot.reuses for slot, state in zip(self.slots, self.states, strict=True))

    @property
    def missing(self) -> tuple[Slot, ...]:
        """What keeps it from being submitted; papers that serve twice are named once."""
        return tuple(
            slot
            for slot, state in zip(self.slots, self.states, strict=True)
            if state not in IN_HAND and not slot.reuses
        )

    @property
    def ready(self) -> bool:
        """There is something to submit, and nothing is missing."""
        return not self.missing and any(state in ("received", "asked") for state in self.states)

    @property
    def complete(self) -> bool:
        """All of it was approved or waived: the person can be certified."""
        return all(state in DONE for state in self.states)


def standing(family: Family, options: Options, states: Mapping[str, State]) -> Checklist:
    """Of somebody who has answered. `states`: as for `checklist`."""
    return checklist(owed(family, options, [id for id, state in states.items() if state in HANDED_IN]), states)


def checklist(owed: Sequence[Slot], states: Mapping[str, State]) -> Checklist:
    """`states`: by slot id, what is stored; what is not there is missing."""
    return Checklist(tuple(owed), tuple(states.get(slot.reuses or slot.id, "missing") for slot in owed))
