"""What stands on the list, and in which order pages go."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bot.events import Invalid, Say
from bot.flow import Ask, Choice
from handlers.documents import drafts, script
from handlers.documents import effects as do
from handlers.documents.drafts import Page
from handlers.documents.rules import Family, Options, State, checklist, slots
from handlers.documents.script import SLOTS_SHOWN, Draft, Facts, InHand

TODAY = date(2026, 11, 21)


def facts(family: Family, due: date = TODAY, **states: State) -> Facts:
    owed = slots(family, Options())
    papers = {id: InHand(state, 1) for id, state in states.items()}
    return Facts(TODAY, "c1", "ชุดที่หนึ่ง", due, family=family, checklist=checklist(owed, states), papers=papers)


def asked(given: Facts) -> Ask[Any]:
    question = next(script.documents(given, {}))
    assert isinstance(question, Ask)
    return question


def marks(given: Facts) -> list[tuple[str, str]]:
    def text(choice: Choice, name: str) -> str:
        said = choice.params[name]
        assert isinstance(said, Say)
        return said.text

    return [(text(c, "mark"), text(c, "paper")) for c in asked(given).choices if c.label == "choice.paper"]


def test_a_paper_that_serves_twice_stands_there_once() -> None:
    names = [paper for _, paper in marks(facts(Family(same_degree=True)))]
    assert names == [f"paper.{kind}" for kind in (
        "id_card", "house", "father_card", "mother_card", "entry_degree", "entry_transcript",
    )]  # fmt: skip
    assert asked(facts(Family(same_degree=True))).params["reused"] == Say("documents.reused")


def test_with_very_many_children_what_is_missing_comes_first_and_a_card_of_line_holds_it() -> None:
    family = Family(spouse=True, children=20, licence=True)
    full = facts(family, id_card="received", house="submitted", father="taken")
    shown = marks(full)
    assert len(shown) == SLOTS_SHOWN
    assert {mark for mark, _ in shown} == {"mark.missing", "mark.taken"}
    assert len(asked(full).choices) + 2 <= 24
    assert asked(full).params["more"] == Say("documents.more", {"n": 13})
    assert asked(facts(Family())).params["more"] == ""


@pytest.mark.parametrize(
    ("due", "words", "days"),
    [
        (date(2026, 12, 1), "documents.due", 10),
        (TODAY, "documents.due_today", 0),
        (date(2026, 11, 18), "documents.overdue", 3),
    ],
)
def test_how_much_time_is_left(due: date, words: str, days: int) -> None:
    assert asked(facts(Family(), due)).params["left"] == Say(words, {"due": due, "days": days})


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("2", 2), ("๒ คน", 2), ("2คนค่ะ", 2), ("มี 3 คนครับ", 3), ("0", 0), ("ไม่มี", 0), ("ไม่มีค่ะ", 0),
        ("ไม่มีลูก", 0), ("ไม่มีบุตรครับ", 0), ("None", 0), ("20", 20),
    ],
)  # fmt: skip
def test_how_many_children_as_people_write_it(typed: str, number: int) -> None:
    assert script._children(typed) == number


@pytest.mark.parametrize(
    ("typed", "code"),
    [("สอง", "children_number"), ("2 หรือ 3", "children_number"), ("ค่ะ", "children_number"), ("-1", "children_number"),
     ("1.5", "children_number"), ("มี", "children_number"), ("21", "children_most"), ("2024", "children_number")],
)  # fmt: skip
def test_what_is_no_number_of_children(typed: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        script._children(typed)
    assert refused.value.code == code


def test_who_does_not_know_a_parent_is_asked_for_no_death_certificate() -> None:
    given = facts(Family())
    walked = script.family(given, {})
    answers: dict[str, Any] = {"father": "parent_unknown", "mother": "died", "children": 0}
    step = next(walked)
    while isinstance(step, Ask):
        choices = [choice.value for choice in step.choices]
        assert step.key not in answers or not choices or answers[step.key] in choices
        step = walked.send(answers.get(step.key, choices[-1] if choices else 0))
    assert isinstance(step.effect, do.SaveFamily)
    saved = dict(step.effect.answers)
    assert (saved["father_died"], saved["mother_died"]) == (0, 1)


def page(id: str, nth: int = 1, of: int = 1) -> Page:
    return Page(id, "house", "chat", "ready", "photo", id, None, 0, {"place": [nth, of], "name": ""})


@pytest.mark.parametrize(
    ("came", "order"),
    [
        (["a", "b", "c"], "abc"),
        ([("b", 2, 2), ("a", 1, 2)], "ab"),
        (["x", ("b", 2, 3), ("c", 3, 3), ("a", 1, 3), "y"], "xabcy"),
        ([("b", 2, 2), ("a", 1, 2), ("d", 2, 2), ("c", 1, 2)], "abcd"),  # two albums of two
        ([("c", 3, 3), ("a", 1, 3), ("e", 2, 2), ("d", 1, 2)], "acde"),  # one picture of the first never came
    ],
)
def test_the_pictures_of_an_album_go_by_their_place_everything_else_as_it_came(came: list[Any], order: str) -> None:
    pages = [page(one) if isinstance(one, str) else page(*one) for one in came]
    assert "".join(found.id for found in drafts.in_order(pages)) == order


@pytest.mark.parametrize(("on_phone", "words"), [(True, "documents.repaired_look"), (False, "documents.repaired")])
def test_of_a_mended_file_all_pages_are_seen_where_it_is_signed_on_the_screen(on_phone: bool, words: str) -> None:
    mended = {"id_card": Draft(("1",), sheets=2, repaired=True)}
    question = next(script.paper(replace(facts(Family()), drafts=mended, on_phone=on_phone), {"slot": "id_card"}))
    assert isinstance(question, Ask)
    assert question.params["notes"] == (Say(words),)
