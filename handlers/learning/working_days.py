"""Days on which offices are closed: week-ends, holidays of the civil service, and what the office itself has entered.

The list of the `holidays` library is that of everybody in Thailand: civil servants work on Labour Day and Children's
Day, and rest on Royal Ploughing Day. What the cabinet adds in the course of a year nobody can know before: a row of
`days_off` says so, and wins.
"""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache

SATURDAY = 5
_WORKED = frozenset({"วันเด็กแห่งชาติ", "วันแรงงานแห่งชาติ"})


def off_day(overrides: Mapping[date, bool]) -> Callable[[date], bool]:
    """`overrides`: True, closed; False, open although it is a holiday or a week-end."""

    def off(day: date) -> bool:
        if (said := overrides.get(day)) is not None:
            return said
        return day.weekday() >= SATURDAY or bool(holiday(day))

    return off


def holiday(day: date) -> str:
    """Its name in Thai; empty: none."""
    return _of_year(day.year).get(day, "")


@cache
def _of_year(year: int) -> Mapping[date, str]:
    import holidays  # takes a moment, and few messages need it

    found = holidays.country_holidays("TH", years=year, categories=("public", "government"), language="th")
    names = {day: [name for name in said.split("; ") if name not in _WORKED] for day, said in found.items()}
    return {day: "; ".join(left) for day, left in names.items() if left}
