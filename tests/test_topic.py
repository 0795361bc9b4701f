"""What topics bring is put together, and nothing of it is lost."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from starlette.routing import Route

from bot.flow import Ask, Script
from bot.outbox import Carrier, Entry
from bot.settings import Settings
from bot.topic import Context, Flow, Kept, Registry, Sweep, Take, Topic, Visitor, Words
from storage.database import Tx


@dataclass(frozen=True)
class Greet: ...


@dataclass(frozen=True)
class Wave: ...


def talk(_facts: Any, _args: Any) -> Script[None]:
    yield from Ask[str]("name")


async def nothing(*_: Any) -> dict[str, Any]:
    return {}


async def nothing_either(*_: Any) -> dict[str, Any]:
    return {}


async def greet(_: Context, __: Greet) -> bool:
    return True


async def still_true(_tx: Tx, _entry: Entry, _now: int) -> Words:
    return Words("notice.hello")


async def taken_back(*_: Any) -> None: ...


async def carry(_: Entry) -> None: ...


def carrier(_: Take) -> Carrier:
    return Carrier(carry)


def menu(_: Visitor) -> tuple[str, ...]:
    return ()


EMPTY = Topic({}, {}, nothing, menu)
FULL = Topic(
    {"hello": Flow(talk)},
    {Greet: greet},
    nothing,
    menu,
    notices={"hello": still_true},
    undelivered={"postcard": Words("notice.lost")},
    carriers={"postcard": carrier},
    sweeps=(nothing,),
    kept=lambda _: (Kept("postcards", "at", 1),),
    unsent=taken_back,
    pages=lambda _: (Route("/postcards", carry),),
)


def test_everything_of_every_topic() -> None:
    other = replace(
        EMPTY,
        flows={"bye": Flow(talk)},
        effects={Wave: greet},
        notices={"bye": still_true},
        undelivered={"letter": Words("notice.lost")},
        carriers={"letter": carrier},
        sweeps=(nothing_either,),
        kept=lambda _: (Kept("letters", "at", 1),),
        unsent=taken_back,
        pages=lambda _: (Route("/letters", carry), Route("/stamps", carry)),
    )
    both = Registry([FULL, EMPTY, other])
    assert (set(both.flows), set(both.effects)) == ({"hello", "bye"}, {Greet, Wave})
    assert (both.topic_of("hello"), both.topic_of("bye")) == (0, 2)
    assert set(both.notices) == {"hello", "bye"}
    assert set(both.undelivered) == set(both.carriers) == {"postcard", "letter"}
    assert both.sweeps == {"nothing": nothing, "nothing_either": nothing_either}
    assert [kept.table for kept in both.kept(Settings(_env_file=None))] == ["postcards", "letters"]
    assert both.unsent == (taken_back, taken_back)
    nowhere: Any = None
    assert [page.path for page in both.pages(nowhere) if isinstance(page, Route)] == [
        "/postcards", "/letters", "/stamps"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("flows", "flow brought twice: hello"),
        ("effects", "effect brought twice: Greet"),
        ("notices", "notice brought twice: hello"),
        ("undelivered", "undelivered mail brought twice: postcard"),
        ("carriers", "carrier brought twice: postcard"),
        ("sweeps", "sweep brought twice: nothing"),
    ],
)
def test_what_two_topics_bring_is_refused_by_name(field: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Registry([FULL, replace(EMPTY, **{field: getattr(FULL, field)})])


def test_one_topic_brings_no_two_sweeps_of_one_name_either() -> None:
    with pytest.raises(ValueError, match="sweep brought twice: nothing"):
        Registry([replace(EMPTY, sweeps=(nothing, nothing))])


@pytest.mark.parametrize("sweep", [partial(nothing, 1), lambda *_: nothing()])
def test_a_sweep_goes_by_a_name_of_its_own(sweep: Sweep) -> None:
    """Else nobody knew which one fails."""
    with pytest.raises(ValueError, match="a sweep without a name"):
        Registry([replace(EMPTY, sweeps=(sweep,))])


# --- buttons on cards -------------------------------------------------------------------------------------------------

ACTING = replace(EMPTY, flows={"approve": Flow(talk), "queue": Flow(talk)}, acts={"v": "approve"})


def test_what_a_card_starts_is_started_by_no_name() -> None:
    both = Registry([FULL, ACTING])
    assert both.acts == {"v": "approve"}
    assert both.offered == ("hello", "queue")


@pytest.mark.parametrize("letter", ["", "V", "1", "vv", "v\n", "ก"])
def test_an_act_goes_by_one_letter(letter: str) -> None:
    with pytest.raises(ValueError, match="not an act of this topic"):
        Registry([replace(ACTING, acts={letter: "approve"})])


def test_an_act_starts_a_flow_of_its_own_topic_and_no_letter_means_two() -> None:
    with pytest.raises(ValueError, match="not an act of this topic: 'w', hello"):
        Registry([FULL, replace(ACTING, acts={"w": "hello"})])
    with pytest.raises(ValueError, match="act brought twice: v"):
        Registry([ACTING, replace(EMPTY, flows={"return": Flow(talk)}, acts={"v": "return"})])
