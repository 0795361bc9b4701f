"""Law 1, played as chats: files that are taken in one after another, and flows that follow each other."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.events import File, Invalid, Refresh, Say, Text
from bot.flow import Ask, Choice, Do, Frame, Script, Then
from tests.toy import Person, Save


@dataclass(frozen=True)
class Take:
    slot: str
    name: str


@dataclass
class Album(Person):
    """A person with photos: `pages` are facts, which the effect brings about and a `Refresh` tells of."""

    pages: list[str] = field(default_factory=list)
    full: Say | None = None

    def scripts(self, frame: Frame) -> Script[Any]:
        return FLOWS[frame.flow](tuple(self.pages), **frame.args)

    def __post_init__(self) -> None:
        def answers(effect: object) -> Any:
            match effect:
                case Take(_, "too big"):
                    raise Invalid("too_big")
                case Take(_, name):
                    self.pages.append(name)
                    return self.full
            return True

        self.answers = answers

    def sends(self, name: str) -> "Album":
        self.does(File(name))
        return self

    def refreshed(self, key: str = "pages", flow: str = "paper") -> "Album":
        self.does(Refresh(flow, key, "kept_for_later"))
        return self


def papers(pages: tuple[str, ...]) -> Script[Any]:
    slot = yield from Ask[str]("slot", choices=(Choice("card"), Choice("house"), Choice("leave")))
    return (Say("bye"),) if slot == "leave" else Then("paper", {"slot": slot})


def paper(pages: tuple[str, ...], slot: str) -> Script[Any]:
    yield from Ask[str](
        "pages",
        choices=(Choice("done"), Choice("retake")),
        gather=lambda file: Take(slot, file.name),
        params={"pages": len(pages), "slot": slot},
    )
    yield from Do[bool]("saved", Save(slot, "", pages), final=True)
    return Then("papers", say=(Say("saved"),))


def around(_: tuple[str, ...]) -> Script[Any]:
    yield from Do[bool]("done", Say("round"))
    return Then("round")


FLOWS: dict[str, Callable[..., Script[Any]]] = {"papers": papers, "paper": paper, "round": around}


def at_the_card() -> Album:
    album = Album()
    album.starts("papers").presses("card")
    assert album.sees == "pages"
    return album


def test_pictures_come_one_after_another_and_are_shown_once_they_have_been_looked_at() -> None:
    album = at_the_card()
    for name in ("1.jpg", "2.heic", "3.jpg"):
        album.sends(name)
        assert album.step.silent
    assert album.did == [Take("card", "1.jpg"), Take("card", "2.heic"), Take("card", "3.jpg")]
    seen = album.convo.seen
    album.refreshed()
    assert (album.sees, album.told) == ("pages", [])
    assert isinstance(album.screen.open, Ask)
    assert album.screen.open.params["pages"] == 3
    assert album.convo.seen == seen  # nobody has said anything
    album.presses("done")
    assert album.did[-1] == Save("card", "", ("1.jpg", "2.heic", "3.jpg"))
    assert (album.sees, album.told) == ("slot", ["saved"])


def test_a_button_that_was_shown_before_the_last_picture_does_not_close_the_paper() -> None:
    album = at_the_card().sends("1.jpg")
    album.presses("done")
    assert (album.sees, album.told) == ("pages", ["error.old_button"])


def test_a_picture_that_cannot_be_taken_is_refused_with_its_reason_and_the_question_stays() -> None:
    album = at_the_card().sends("1.jpg").sends("too big")
    assert (album.sees, album.told, album.pages) == ("pages", ["error.too_big"], ["1.jpg"])


def test_an_effect_may_say_something_at_once() -> None:
    album = at_the_card()
    album.full = Say("that_is_enough")
    album.sends("1.jpg")
    assert (album.sees, album.told, album.step.silent) == ("pages", ["that_is_enough"], False)


def test_words_still_do_not_answer_a_question_that_gathers() -> None:
    album = at_the_card()
    album.does(Text("here you are"))
    assert (album.sees, album.told) == ("pages", ["error.choose"])


def test_a_picture_for_another_question_is_not_taken_in() -> None:
    album = Album()
    album.starts("papers").does(File("1.jpg"))
    assert (album.sees, album.told, album.pages) == ("slot", ["error.no_file_here"], [])
    nobody = Album()
    nobody.does(File("1.jpg"))
    assert nobody.told == ["error.no_file_wanted"]


@pytest.mark.parametrize("open_", ["slot", ""])
def test_of_an_album_that_nobody_wants_only_the_last_picture_is_answered(open_: str) -> None:
    album = Album()
    if open_:
        album.starts("papers")
    stands = album.convo.shown
    for nth in (1, 2):
        album.does(File(f"{nth}.jpg", place=(nth, 3)))
        assert (album.step.silent, album.convo.shown) == (True, stands)
    album.does(File("3.jpg", place=(3, 3)))
    assert not album.step.silent
    assert (album.sees, album.told) == (open_, ["error.no_file_here" if open_ else "error.no_file_wanted"])


def test_what_was_looked_at_late_answers_nothing_else_and_is_said_to_be_kept() -> None:
    album = at_the_card().sends("1.jpg")
    album.cancels().starts("papers")
    album.refreshed()
    assert (album.sees, album.told) == ("slot", ["kept_for_later"])
    assert album.kept == {}
    album.cancels()
    album.refreshed()
    assert (album.sees, album.told) == ("", ["kept_for_later"])


def test_a_question_that_gathers_may_be_answered_by_files_of_no_other_flow() -> None:
    album = at_the_card().sends("1.jpg").refreshed(flow="another")
    assert (album.sees, album.told) == ("pages", ["kept_for_later"])


def test_flows_follow_each_other_in_one_place_however_often() -> None:
    album = Album()
    album.starts("papers")
    for slot in ("card", "house", "card", "house"):
        album.presses(slot).presses("done")
        assert album.sees == "slot"
    assert len(album.convo.frames) == 1
    album.presses("leave")
    assert (album.sees, album.told) == ("", ["bye"])


def test_flows_that_follow_each_other_without_a_question_are_stopped() -> None:
    with pytest.raises(RuntimeError, match="round and round"):
        Album().starts("round")


def test_a_menus_buttons_still_work_when_its_words_have_changed_but_those_that_name_a_draft_do_not() -> None:
    """A day has passed, a picture has come: who wants to leave may leave."""

    def menu(pages: tuple[str, ...]) -> Script[Any]:
        done = f"done.{len(pages)}"
        yield from Ask[str](
            "menu", choices=(Choice("leave"), Choice(done, label="choice.done")), params={"n": len(pages)}, menu=True
        )
        return (Say("bye"),)

    album = Album()
    FLOWS["menu"] = menu
    album.starts("menu")
    album.pages.append("1.jpg")
    album.presses("done.0")
    assert (album.sees, album.told) == ("menu", ["error.old_button"])
    album.pages.append("2.jpg")
    album.presses("leave")
    assert album.told == ["bye"]
