"""Who has learnt enough, and what a late report costs: letter พร ๐๐๒๓.๑/๑๗๒, with มท ๐๘๐๒.๔/ว ๕๕๕๙ behind it. Pure.

What the letters fix for one round (days, channels, how many courses, points) is data of that round (`Round`): the next
one is another row, no other program. What a certificate counts for is worked out each time and never stored.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot import thai
from bot.values import frozen

OffDay = Callable[[date], bool]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,19}$")]
Words = Annotated[str, Field(min_length=1, max_length=200)]


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Channel(_Data):
    """Where one learns. `code` is stored with each certificate, for ever the same."""

    code: Code
    name_th: Words
    name_en: Words
    url: Annotated[str, Field(pattern=r"^https://[^\s]+$", max_length=300)]


class Need(_Data):
    """How many different courses somebody must have passed, and how many of these by which channel."""

    courses: Annotated[int, Field(ge=1, le=50)]
    by_channel: Mapping[Code, Annotated[int, Field(ge=1, le=50)]] = Field(default_factory=dict)


class Special(Need):
    """What is needed of those whose position in the roster is called so."""

    position: Words


class Round(_Data):
    """Days are inclusive. `first`, `last`: when a course must have been passed. `opens`, `closes`: when the report is
    sent. After `closes` each working day costs `points_a_day`; after `counted_until` the report is not counted.
    `kinds`: whom of the roster it concerns (`people.kind`); empty: everybody that is listed. `recipients`: addresses of
    the department; they ship empty."""

    letter: Words
    first: date
    last: date
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)]
    need: Need
    specials: tuple[Special, ...] = ()
    kinds: tuple[Words, ...] = ()
    opens: date
    closes: date
    counted_until: date
    points_a_day: Annotated[Decimal, Field(ge=0, le=100, decimal_places=4)]
    recipients: tuple[Words, ...] = ()

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.first > self.last:
            raise ValueError("first is later than last")
        if not self.opens <= self.closes <= self.counted_until:
            raise ValueError("opens, closes and counted_until must follow each other")
        codes = [channel.code for channel in self.channels]
        if len(set(codes)) != len(codes):
            raise ValueError("a channel stands twice")
        for need in (self.need, *self.specials):
            if unknown := set(need.by_channel) - set(codes):
                raise ValueError(f"no such channel: {', '.join(sorted(unknown))}")
            if sum(need.by_channel.values()) > need.courses:
                raise ValueError("more courses by channels than in all")
        return self

    def channel(self, code: str) -> Channel | None:
        return next((channel for channel in self.channels if channel.code == code), None)

    def need_of(self, position: str) -> Need:
        """Of whoever has this position on the roster; a difference in spaces or marks is none."""
        key = thai.words_key(position)
        return next((one for one in self.specials if thai.words_key(one.position) == key), self.need)


# --- one person -------------------------------------------------------------------------------------------------------

# Before the name itself. หลักสูตร may be glued to it; วิชา only before a space, for there is วิชาชีพครู.
_COURSE = re.compile(r"^(?:หลักสูตร|(?:รายวิชา|วิชา|course)(?=[\s:：]))[\s:：]*(?=\S)", re.IGNORECASE)

Judged = Literal["waiting", "approved", "returned"]


@frozen
class Certificate:
    """What somebody has handed in, or is about to. `course`: its name as they confirmed it."""

    channel: str
    course: str
    passed_on: date
    judged: Judged = "waiting"

    @property
    def key(self) -> str:
        """Two certificates with the same key are of one course."""
        return course_key(self.course)


def course_key(course: str) -> str:
    """Under which two spellings of one course are equal: without spaces, dots, dashes, case, and the word “course”."""
    return thai.words_key(_COURSE.sub("", thai.clean(course)))


Fault = Literal["too_early", "too_late", "no_such_channel"]


def faults(round: Round, certificate: Certificate) -> tuple[Fault, ...]:
    """Why it counts for nothing in this round, if so."""
    found: list[Fault] = []
    if certificate.passed_on < round.first:
        found.append("too_early")
    if certificate.passed_on > round.last:
        found.append("too_late")
    if round.channel(certificate.channel) is None:
        found.append("no_such_channel")
    return tuple(found)


@frozen
class Standing:
    """How far somebody is. `courses`: different ones that count. `lacking`: how many more, of any channel or of the
    channels that `lacking_by_channel` names; these are among them. `waiting`: how many HR has not looked at yet."""

    courses: int
    needed: int
    lacking: int
    lacking_by_channel: tuple[tuple[str, int], ...]
    waiting: int

    @property
    def passed(self) -> bool:
        return self.lacking == 0


def standing(round: Round, need: Need, certificates: Iterable[Certificate], *, only_approved: bool) -> Standing:
    """`only_approved`: as the report counts; else what was handed in counts until HR says otherwise."""
    courses: dict[str, set[str]] = {}  # course → the channels it was taken by
    waiting = 0
    for one in certificates:
        if one.judged == "returned" or faults(round, one):
            continue
        waiting += one.judged == "waiting"
        if one.judged == "approved" or not only_approved:
            courses.setdefault(one.key, set()).add(one.channel)
    short = {code: max(0, least - _most_by(courses, code)) for code, least in need.by_channel.items()}
    lacking = max(need.courses - len(courses), sum(short.values()))
    return Standing(
        courses=len(courses),
        needed=need.courses,
        lacking=lacking,
        lacking_by_channel=tuple((code, n) for code, n in short.items() if n),
        waiting=waiting,
    )


def _most_by(courses: Mapping[str, set[str]], code: str) -> int:
    return sum(code in channels for channels in courses.values())


# --- the unit's report ------------------------------------------------------------------------------------------------

Window = Literal["before", "open", "late", "over"]


@frozen
class Sending:
    """What a report is worth whose last part goes on a day. `points`: what is taken off; None: it is not counted."""

    window: Window
    working_days: int
    points: Decimal | None


def sending(round: Round, day: date, off: OffDay) -> Sending:
    """`day`: when the last part goes. `off`: is a day no working day, for whatever reason?"""
    if day < round.opens:
        return Sending("before", 0, Decimal(0))
    late = working_days(round.closes, day, off)
    if day <= round.closes:
        return Sending("open", 0, Decimal(0))
    if day > round.counted_until:
        return Sending("over", late, None)
    return Sending("late", late, late * round.points_a_day)


def working_days(after: date, upto: date, off: OffDay) -> int:
    """How many there are after the one day, up to and with the other; 0 where it does not come later."""
    days = (after + timedelta(n) for n in range(1, (upto - after).days + 1))
    return sum(not off(day) for day in days)


def percent(passed: int, counted: int) -> Decimal:
    """Of personnel, with two places, rounded half up as people do; nobody to count: 0."""
    if not counted:
        return Decimal(0)
    return (Decimal(passed * 100) / Decimal(counted)).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")


def last_part(parts: Sequence[date]) -> date:
    """The report was sent when its last part was: Excel, form, certificates, and paper where it goes by post."""
    return max(parts)
