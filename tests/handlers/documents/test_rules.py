"""Who owes which papers, and what is still missing."""

from itertools import product

import pytest

from handlers.documents.rules import CHILDREN_MOST, Family, Options, State, checklist, slot_of, slots, standing

ALWAYS = ["01 id_card", "02 house"]
DEGREES = ["07a entry.degree", "07b entry.transcript", "08a top.degree", "08b top.transcript"]
PARENTS = ["03 father", "04 mother"]


def owed(family: Family, options: Options | None = None) -> list[str]:
    return [f"{slot.number} {slot.id}" for slot in slots(family, options or Options())]


CASES = [
    ("single, no licence: eight", Family(), [*ALWAYS, *PARENTS, *DEGREES]),
    (
        "father died: his death certificate in place of his card",
        Family(father_died=True),
        [*ALWAYS, "03 father.death", "04 mother", *DEGREES],
    ),
    (
        "both died",
        Family(father_died=True, mother_died=True),
        [*ALWAYS, "03 father.death", "04 mother.death", *DEGREES],
    ),
    ("married", Family(spouse=True), [*ALWAYS, *PARENTS, "05 spouse", *DEGREES]),
    (
        "three children: one card each",
        Family(children=3),
        [*ALWAYS, *PARENTS, "061 child.1", "062 child.2", "063 child.3", *DEGREES],
    ),
    ("a licence", Family(licence=True), [*ALWAYS, *PARENTS, *DEGREES, "09 licence"]),
    ("another name", Family(name_changed=True), [*ALWAYS, *PARENTS, *DEGREES, "10 name_change"]),
    ("the same degree is owed all the same", Family(same_degree=True), [*ALWAYS, *PARENTS, *DEGREES]),
]


@pytest.mark.parametrize(("family", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_is_owed(family: Family, expected: list[str]) -> None:
    assert owed(family) == expected


def test_nobody_owes_fewer_than_eight_and_no_slot_or_number_comes_twice() -> None:
    bools = (False, True)
    for father, mother, spouse, same, licence, name in product(bools, repeat=6):
        for children in (0, 1, CHILDREN_MOST):
            found = slots(Family(father, mother, spouse, children, same, licence, name), Options())
            assert len(found) >= 8
            assert len({slot.id for slot in found}) == len({slot.number for slot in found}) == len(found)
            assert [slot.number for slot in found if len(slot.number) < 4] == sorted(
                slot.number for slot in found if len(slot.number) < 4
            )


def test_an_office_may_want_one_card_for_all_children_and_every_degree_anew() -> None:
    options = Options(each_child=False, reuse_degree=False)
    assert "061 child.1" in owed(Family(children=3), options)
    assert "062 child.2" not in owed(Family(children=3), options)
    assert {slot.reuses for slot in slots(Family(same_degree=True), options)} == {""}


EIGHT = ("id_card", "house", "father", "mother", "entry.degree", "entry.transcript", "top.degree", "top.transcript")


def all_of(state: State, *but: str) -> dict[str, State]:
    return {id: state for id in EIGHT if id not in but}


def test_what_is_missing_is_named_and_only_with_nothing_missing_it_is_ready() -> None:
    owed = slots(Family(), Options())
    empty = checklist(owed, {})
    assert [slot.id for slot in empty.missing] == list(EIGHT)
    assert not empty.ready
    almost = checklist(owed, all_of("received", "mother"))
    assert [slot.id for slot in almost.missing] == ["mother"]
    assert not almost.ready
    full = checklist(owed, all_of("received"))
    assert (full.missing, full.ready, full.complete) == ((), True, False)


def test_a_degree_that_serves_twice_is_handed_in_and_missed_once() -> None:
    owed = slots(Family(same_degree=True), Options())
    states = all_of("received", "top.degree", "top.transcript")
    assert checklist(owed, states).ready
    assert [slot.id for slot in checklist(owed, {**states, "entry.degree": "missing"}).missing] == ["entry.degree"]
    assert dict(zip(owed, checklist(owed, {"entry.degree": "returned"}).states, strict=True))[owed[6]] == "returned"


def test_a_paper_that_nobody_has_waits_for_hr_and_holds_nothing_up() -> None:
    owed = slots(Family(), Options())
    asked = checklist(owed, {**all_of("received"), "father": "asked"})
    assert asked.ready
    waived = checklist(owed, {**all_of("approved"), "father": "waived"})
    assert (waived.ready, waived.complete) == (False, True)


def test_what_was_returned_is_missing_again_and_what_was_submitted_is_not_submitted_twice() -> None:
    owed = slots(Family(), Options())
    returned = checklist(owed, {**all_of("approved"), "house": "returned"})
    assert [slot.id for slot in returned.missing] == ["house"]
    assert not checklist(owed, all_of("submitted")).ready
    again = checklist(owed, {**all_of("approved"), "house": "received"})
    assert (again.ready, again.complete) == (True, False)


def test_what_was_handed_in_stays_whatever_the_answers_become() -> None:
    sent = all_of("submitted")
    died = standing(Family(father_died=True), Options(), {**sent, "house": "waiting"})
    assert [slot.id for slot in died.slots] == [*EIGHT[:2], "father.death", *EIGHT[2:]]
    assert [slot.id for slot in died.missing] == ["father.death"]
    assert (died.handed_in, died.whole) == (8, 9)
    same = standing(Family(same_degree=True), Options(), sent)
    assert (same.slots, same.handed_in, same.whole) == (slots(Family(), Options()), 8, 8)
    fewer = standing(Family(children=1), Options(), {"child.10": "approved", "child.9": "waived"})
    assert [slot.id for slot in fewer.slots if slot.kind == "child_card"] == ["child.1", "child.9", "child.10"]


@pytest.mark.parametrize("state", ["taken", "received", "asked", "returned"])
def test_what_is_in_the_persons_own_hands_goes_with_the_answer(state: State) -> None:
    assert "father" not in [slot.id for slot in standing(Family(father_died=True), Options(), {"father": state}).slots]


def test_what_another_version_knew_is_left_alone() -> None:
    assert standing(Family(), Options(), {"passport": "submitted"}).slots == slots(Family(), Options())


def test_every_slot_is_known_by_its_id() -> None:
    living = Family(spouse=True, children=CHILDREN_MOST, licence=True, name_changed=True)
    for family in (Family(), living, Family(father_died=True), Family(mother_died=True)):
        for slot in slots(family, Options()):
            assert slot_of(slot.id) == slot
