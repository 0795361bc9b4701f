"""Letter พร ๐๐๒๓.๑/๑๗๒ as tables: what counts, who has passed, what a late report costs."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from handlers.learning.rounds import LOCAL_MOOC, OCSC, ROUND_1_2567, THAI_MOOC
from handlers.learning.rules import Certificate, Judged, Round, faults, last_part, percent, sending, standing
from handlers.learning.working_days import holiday, off_day

STAFF = ROUND_1_2567.need_of("นักทรัพยากรบุคคล")
CHIEF = ROUND_1_2567.need_of("ท้องถิ่นจังหวัด")
NOTHING_EXTRA = off_day({})


def taken(*channels: str, judged: Judged = "approved") -> list[Certificate]:
    """A course each."""
    return [Certificate(channel, f"หลักสูตรที่ {n}", date(2024, 1, 9), judged) for n, channel in enumerate(channels)]


# --- what counts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("passed_on", "expected"),
    [
        (date(2023, 9, 30), ("too_early",)),
        (date(2023, 10, 1), ()),
        (date(2024, 2, 29), ()),
        (date(2024, 3, 31), ()),
        (date(2024, 4, 1), ("too_late",)),
    ],
)
def test_a_course_counts_from_the_first_day_of_the_round_to_its_last(passed_on: date, expected: tuple[str]) -> None:
    assert faults(ROUND_1_2567, Certificate(OCSC, "ธรรมาภิบาล", passed_on)) == expected


def test_of_the_three_channels_only() -> None:
    assert faults(ROUND_1_2567, Certificate("somewhere", "ธรรมาภิบาล", date(2024, 1, 9))) == ("no_such_channel",)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ธรรมาภิบาล", "หลักสูตร ธรรมาภิบาล", True),
        ("Digital Literacy", "course: DIGITAL-literacy", True),
        ("การใช้ Excel ขั้นที่ ๒", "การใช้  Excel ขั้นที่ 2", True),
        ("น้ํามัน", "น้ำมัน", True),
        ("การใช้ Excel ขั้นที่ 1", "การใช้ Excel ขั้นที่ 2", False),
        ("วิชา ธรรมาภิบาล", "รายวิชา: ธรรมาภิบาล", True),
        ("วิชาชีพครู", "ชีพครู", False),
        ("หลักสูตร", "วิชา", False),
    ],
)
def test_two_spellings_of_one_course(one: str, other: str, same: bool) -> None:
    keys = [Certificate(OCSC, course, date(2024, 1, 9)).key for course in (one, other)]
    assert (keys[0] == keys[1]) is same


# --- who has passed ---------------------------------------------------------------------------------------------------

CASES: list[tuple[str, tuple[str, ...], int, dict[str, int]]] = [
    ("nothing", (), 3, {LOCAL_MOOC: 2}),
    ("one of any", (OCSC,), 2, {LOCAL_MOOC: 2}),
    ("one local", (LOCAL_MOOC,), 2, {LOCAL_MOOC: 1}),
    ("two local", (LOCAL_MOOC, LOCAL_MOOC), 1, {}),
    ("three, one local", (LOCAL_MOOC, OCSC, THAI_MOOC), 1, {LOCAL_MOOC: 1}),
    ("three, none local", (OCSC, OCSC, THAI_MOOC), 2, {LOCAL_MOOC: 2}),
    ("two local and one of any", (LOCAL_MOOC, LOCAL_MOOC, THAI_MOOC), 0, {}),
    ("three local: one of them is the one of any", (LOCAL_MOOC, LOCAL_MOOC, LOCAL_MOOC), 0, {}),
    ("five, none local", (OCSC,) * 5, 2, {LOCAL_MOOC: 2}),
]


@pytest.mark.parametrize(("channels", "lacking", "by_channel"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_province_chief_needs_three_two_of_them_local(
    channels: tuple[str, ...], lacking: int, by_channel: dict[str, int]
) -> None:
    found = standing(ROUND_1_2567, CHIEF, taken(*channels), only_approved=True)
    assert (found.lacking, dict(found.lacking_by_channel), found.passed) == (lacking, by_channel, lacking == 0)


@pytest.mark.parametrize("channel", [OCSC, THAI_MOOC, LOCAL_MOOC])
def test_everybody_else_needs_one_of_any(channel: str) -> None:
    assert not standing(ROUND_1_2567, STAFF, [], only_approved=True).passed
    assert standing(ROUND_1_2567, STAFF, taken(channel), only_approved=True).passed


@pytest.mark.parametrize("position", ["ท้องถิ่นจังหวัด", " ท้องถิ่น จังหวัด ", "ท้องถิ่นจังหวัด\u200b"])
def test_the_chief_is_who_the_roster_calls_so(position: str) -> None:
    assert ROUND_1_2567.need_of(position).courses == 3


@pytest.mark.parametrize("position", ["ท้องถิ่นอำเภอ", "นักส่งเสริมการปกครองท้องถิ่น", "", "ผู้ช่วยท้องถิ่นจังหวัด"])
def test_and_nobody_else(position: str) -> None:
    assert ROUND_1_2567.need_of(position).courses == 1


def test_a_course_counts_once_however_often_it_is_handed_in() -> None:
    again = [
        Certificate(channel, course, date(2024, 1, day), "approved")
        for channel, course, day in [
            (LOCAL_MOOC, "ธรรมาภิบาล", 3),
            (LOCAL_MOOC, "หลักสูตรธรรมาภิบาล", 4),
            (OCSC, "ธรรมาภิบาล", 5),
        ]
    ]
    found = standing(ROUND_1_2567, CHIEF, again, only_approved=True)
    assert (found.courses, found.lacking) == (1, 2)


@pytest.mark.parametrize(
    ("judged", "reported", "told", "waiting"),
    [("approved", 1, 1, 0), ("waiting", 0, 1, 1), ("returned", 0, 0, 0)],
)
def test_the_report_counts_what_hr_has_approved_and_the_person_what_they_have_handed_in(
    judged: Judged, reported: int, told: int, waiting: int
) -> None:
    sent = taken(OCSC, judged=judged)
    report = standing(ROUND_1_2567, STAFF, sent, only_approved=True)
    assert (report.courses, report.waiting) == (reported, waiting)
    assert standing(ROUND_1_2567, STAFF, sent, only_approved=False).courses == told


def test_what_lies_outside_the_round_counts_for_nothing_even_if_it_was_approved() -> None:
    late = [Certificate(OCSC, "ธรรมาภิบาล", date(2024, 4, 1), "approved")]
    assert standing(ROUND_1_2567, STAFF, late, only_approved=True).courses == 0


@given(st.lists(st.tuples(st.sampled_from([OCSC, THAI_MOOC, LOCAL_MOOC]), st.integers(0, 4)), max_size=9))
def test_one_more_certificate_never_takes_anything_away(sent: list[tuple[str, int]]) -> None:
    of = [Certificate(channel, f"วิชา {n}", date(2024, 1, 9), "approved") for channel, n in sent]
    lacking = [standing(ROUND_1_2567, CHIEF, of[:n], only_approved=True).lacking for n in range(len(of) + 1)]
    assert lacking == sorted(lacking, reverse=True)
    assert lacking[0] == 3


# --- what a late report costs -----------------------------------------------------------------------------------------

LATE = [
    (date(2024, 2, 29), "before", "0"),
    (date(2024, 3, 1), "open", "0"),
    (date(2024, 3, 15), "open", "0"),  # a Friday
    (date(2024, 3, 16), "late", "0"),
    (date(2024, 3, 17), "late", "0"),
    (date(2024, 3, 18), "late", "0.25"),
    (date(2024, 3, 19), "late", "0.50"),
    (date(2024, 3, 20), "late", "0.75"),
    (date(2024, 3, 21), "late", "1.00"),
    (date(2024, 3, 22), "over", None),
    (date(2024, 4, 1), "over", None),
]


@pytest.mark.parametrize(("day", "window", "points"), LATE, ids=[str(case[0]) for case in LATE])
def test_points_around_the_fifteenth_of_march_2567(day: date, window: str, points: str | None) -> None:
    found = sending(ROUND_1_2567, day, NOTHING_EXTRA)
    assert (found.window, found.points) == (window, None if points is None else Decimal(points))


HOLIDAY = [
    (date(2024, 3, 18), "0.25"),
    (date(2024, 3, 19), "0.25"),  # closed: nothing more
    (date(2024, 3, 20), "0.50"),
    (date(2024, 3, 21), "0.75"),
    (date(2024, 3, 22), None),  # the last day is a date of the letter, whatever lies before it
]


@pytest.mark.parametrize(("day", "points"), HOLIDAY, ids=[str(case[0]) for case in HOLIDAY])
def test_with_a_holiday_in_between(day: date, points: str | None) -> None:
    found = sending(ROUND_1_2567, day, off_day({date(2024, 3, 19): True}))
    assert found.points == (None if points is None else Decimal(points))


def test_a_saturday_that_is_worked_costs_as_any_other_day() -> None:
    assert sending(ROUND_1_2567, date(2024, 3, 18), off_day({date(2024, 3, 16): False})).points == Decimal("0.50")


@given(st.integers(-40, 40), st.sets(st.integers(-20, 40)))
def test_waiting_never_gains_a_point(n: int, closed: set[int]) -> None:
    off = off_day({ROUND_1_2567.closes + timedelta(k): True for k in closed})
    today, tomorrow = (sending(ROUND_1_2567, ROUND_1_2567.closes + timedelta(k), off).points for k in (n, n + 1))
    assert tomorrow is None or (today is not None and today <= tomorrow)


def test_the_last_part_decides() -> None:
    excel, paper = date(2024, 3, 14), date(2024, 3, 19)
    assert sending(ROUND_1_2567, last_part([excel, paper]), NOTHING_EXTRA).points == Decimal("0.50")


@pytest.mark.parametrize(
    ("passed", "counted", "expected"),
    [
        (0, 0, "0"),
        (0, 3, "0.00"),
        (1, 3, "33.33"),
        (2, 3, "66.67"),
        (1, 8, "12.50"),
        (1, 800, "0.13"),
        (3, 3, "100.00"),
    ],
)
def test_per_cent_of_personnel(passed: int, counted: int, expected: str) -> None:
    assert percent(passed, counted) == Decimal(expected)


# --- rounds as data ---------------------------------------------------------------------------------------------------


def test_a_round_is_what_it_was_after_json() -> None:
    assert Round.model_validate_json(ROUND_1_2567.model_dump_json()) == ROUND_1_2567


def test_it_ships_without_recipients() -> None:
    assert ROUND_1_2567.recipients == ()


def _without(**changed: Any) -> Callable[[], Round]:
    return lambda: Round.model_validate({**ROUND_1_2567.model_dump(), **changed})


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"last": date(2023, 9, 30)}, "first is later than last"),
        ({"closes": date(2024, 2, 28)}, "opens, closes and counted_until"),
        ({"counted_until": date(2024, 3, 14)}, "opens, closes and counted_until"),
        ({"channels": (*ROUND_1_2567.channels, ROUND_1_2567.channels[0])}, "a channel stands twice"),
        ({"need": {"courses": 1, "by_channel": {"elsewhere": 1}}}, "no such channel: elsewhere"),
        ({"need": {"courses": 1, "by_channel": {OCSC: 2}}}, "more courses by channels than in all"),
        ({"need": {"courses": 0}}, "greater than or equal to 1"),
        ({"points_a_day": -1}, "greater than or equal to 0"),
        ({"pionts": 1}, "Extra inputs are not permitted"),
        ({"channels": ({**ROUND_1_2567.channels[0].model_dump(), "url": "javascript:alert(1)"},)}, "match pattern"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else None,
)
def test_a_round_that_contradicts_itself_is_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        _without(**changed)()


# --- working days -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "off", "why"),
    [
        (date(2024, 2, 24), True, "Makha Bucha, a Saturday"),
        (date(2024, 2, 26), True, "in lieu of it"),
        (date(2024, 5, 1), False, "civil servants work on Labour Day"),
        (date(2024, 5, 10), True, "and rest on Ploughing Day"),
        (date(2024, 1, 13), True, "Children's Day is a Saturday, and no other reason is needed"),
        (date(2024, 3, 15), False, "a Friday like any other"),
        (date(2024, 4, 15), True, "Songkran"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_days_off_of_the_civil_service(day: date, off: bool, why: str) -> None:
    assert NOTHING_EXTRA(day) is off


def test_childrens_day_is_no_holiday_of_offices() -> None:
    assert holiday(date(2024, 1, 13)) == ""
    assert "มาฆบูชา" in holiday(date(2024, 2, 26))


def test_what_the_office_has_entered_wins() -> None:
    off = off_day({date(2024, 4, 15): False, date(2024, 3, 14): True})
    assert (off(date(2024, 4, 15)), off(date(2024, 3, 14))) == (False, True)
