"""The raw columns of DPIS, as the sample has them."""

from datetime import date
from pathlib import Path

import pytest

from handlers.organisation.refusals import BadFile, BadRow
from handlers.organisation.roster import Roster, RosterRow, read_roster
from samples import make_samples, tables
from samples.cast import CAST

SAMPLES = make_samples.HERE
TODAY = date(2026, 11, 1)
SOMCHAI = dict(zip(tables.DPIS_HEADER, tables.dpis_row(1, CAST[0]), strict=True))


def save(path: Path, changes: dict[str, str] | None = None, header: tuple[str, ...] = tables.DPIS_HEADER) -> Path:
    person = SOMCHAI | (changes or {})
    path.write_text(f"{','.join(header)}\n{','.join(person.get(name, '') for name in header)}\n", encoding="utf-8")
    return path


def test_dpis_and_hrs_own_file_say_the_same() -> None:
    own = {row.national_id: row for row in read_roster(SAMPLES / "roster.csv", TODAY) if isinstance(row, RosterRow)}
    rows = list(read_roster(SAMPLES / "roster_dpis.csv", TODAY))
    assert len(rows) > 100
    for row in rows:
        assert isinstance(row, RosterRow), row
        other = own[row.national_id]
        for name in ("title", "first_name", "last_name", "birth_date", "position_no", "position", "level", "unit",
                     "appointed_on", "retires_on", "email", "kind"):  # fmt: skip
            assert getattr(row, name) == getattr(other, name), (row.number, name)
        assert row.lacks == {"province", "phone", "transferred_in_on", "laser_code"}
    assert {row.status for row in rows if isinstance(row, RosterRow)} == {"active", "left"}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("1", "civil_servant"),
        ("2", "permanent_employee"),
        ("3", "government_employee"),
        ("4", "temporary_employee"),
        ("5", "judicial_officer"),
    ],
)
def test_kinds_come_as_codes(tmp_path: Path, code: str, kind: str) -> None:
    (row,) = read_roster(save(tmp_path / "dpis.csv", {"PER_TYPE": code}), TODAY)
    assert isinstance(row, RosterRow)
    assert row.kind == kind


@pytest.mark.parametrize(("code", "status"), [("0", "awaited"), ("1", "active"), ("2", "left")])
def test_statuses_come_as_codes(tmp_path: Path, code: str, status: str) -> None:
    (row,) = read_roster(save(tmp_path / "dpis.csv", {"PER_STATUS": code}), TODAY)
    assert isinstance(row, RosterRow)
    assert row.status == status


def test_a_code_that_dpis_does_not_have_is_named_under_its_column(tmp_path: Path) -> None:
    (row,) = read_roster(save(tmp_path / "dpis.csv", {"PER_TYPE": "9"}), TODAY)
    assert row == BadRow(2, "PER_TYPE", "kind_unknown", "9", {})


def test_what_dpis_lacks_may_be_added_under_its_thai_header(tmp_path: Path) -> None:
    header = (*tables.DPIS_HEADER, "วันรับโอน", "โทรศัพท์")
    (row,) = read_roster(save(tmp_path / "dpis.csv", {"วันรับโอน": "2019-04-01", "โทรศัพท์": "0810000000"}, header), TODAY)
    assert isinstance(row, RosterRow)
    assert (row.transferred_in_on, row.phone) == (date(2019, 4, 1), "0810000000")
    assert row.lacks == {"province", "laser_code"}


def test_a_missing_column_is_named_as_dpis_calls_it(tmp_path: Path) -> None:
    header = tuple(name for name in tables.DPIS_HEADER if name != "PER_STATUS")
    with pytest.raises(BadFile, match="header_missing") as refused:
        Roster(save(tmp_path / "dpis.csv", header=header))
    assert refused.value.params == {"columns": "PER_STATUS"}


def test_a_thai_file_that_lacks_a_column_does_not_pass_for_dpis(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    header = ",".join(name for name in tables.ROSTER_HEADER if name != "โทรศัพท์")
    path.write_text(f"{header}\n", encoding="utf-8")
    with pytest.raises(BadFile, match="header_missing") as refused:
        Roster(path)
    assert refused.value.params == {"columns": "โทรศัพท์"}
