"""The committed samples: what their script makes, readable without a fault, and invented throughout."""

import re
from datetime import date

import pytest
from stdnum.th import pin

from bot import thai
from handlers.organisation.national_ids import Ids
from handlers.organisation.organisations import OrganisationRow, check_tree, read_organisations
from handlers.organisation.roster import Roster, RosterRow, read_roster
from samples import make_samples
from samples.cast import CAST
from samples.people import dashed, national_id
from samples.people import people as invented_people

SAMPLES = make_samples.HERE
TODAY = date(2026, 11, 1)


@pytest.fixture(scope="module")
def people() -> list[RosterRow]:
    rows = list(read_roster(SAMPLES / "roster.csv", TODAY))
    assert [row for row in rows if not isinstance(row, RosterRow)] == []
    return [row for row in rows if isinstance(row, RosterRow)]


@pytest.fixture(scope="module")
def organisations() -> list[OrganisationRow]:
    rows = list(read_organisations(SAMPLES / "organisations.csv"))
    assert [row for row in rows if not isinstance(row, OrganisationRow)] == []
    return [row for row in rows if isinstance(row, OrganisationRow)]


@pytest.mark.parametrize("name", make_samples.files())
def test_the_files_are_what_the_script_makes(name: str) -> None:
    assert (SAMPLES / name).read_bytes() == make_samples.files()[name], "run samples/make_samples.py"


def test_the_tree_hangs_together(organisations: list[OrganisationRow]) -> None:
    assert len(organisations) == 25
    assert check_tree(organisations) == ()


def test_everybody_is_read_as_invented(people: list[RosterRow]) -> None:
    assert Roster(SAMPLES / "roster.csv").check_ids() == Ids(200, (), ())
    invented = invented_people()
    assert len(people) == len(invented) == 200
    for row, person in zip(people, invented, strict=True):
        assert (row.title, row.first_name, row.last_name) == (person.title, person.first, person.last)
        assert (row.birth_date, row.appointed_on, row.transferred_in_on) == (
            person.born,
            person.appointed,
            person.transferred_in,
        )
        assert (row.email or "", row.laser_code) == (person.email, person.laser)


def test_everybody_is_recognisable_as_invented(people: list[RosterRow]) -> None:
    for row in people:
        assert pin.is_valid(row.national_id)
        assert row.national_id.startswith("19999")
        assert row.email is None or row.email.endswith(("@example.go.th", "@example.com"))
        assert re.fullmatch("08[0-9]000[0-9]{4}", row.phone or "")
    assert 0.2 < sum(row.email is None for row in people[6:]) / len(people[6:]) < 0.4


def test_every_unit_is_one_organisation(people: list[RosterRow], organisations: list[OrganisationRow]) -> None:
    names = [organisation.name_th for organisation in organisations]
    assert len(set(names)) == len(names)
    places = {(organisation.name_th, organisation.province) for organisation in organisations}
    assert {(row.unit, row.province) for row in people} <= places


def test_the_cast_stays_who_they_are(people: list[RosterRow]) -> None:
    boundary = date(2018, 10, 1)
    somchai, malee, anan, preeya, rung, retired = people[:6]
    assert [thai.name_key(f"{row.title} {row.first_name} {row.last_name}") for row in people[:5]] == [
        "สมชายทดสอบ",
        "มาลีตัวอย่าง",
        "อนันต์สมมติ",
        "ปรียาใจตัวอย่าง",
        "รุ่งจำลอง",
    ]
    assert (somchai.national_id, somchai.email) == ("1999900000013", "somchai.t@example.go.th")
    assert somchai.appointed_on == date(2007, 6, 1)
    assert malee.email == "malee.t@example.go.th"
    assert anan.unit not in (somchai.unit, malee.unit)
    assert (anan.email, preeya.email, rung.email) == (None, None, None)
    assert anan.appointed_on is not None
    assert anan.appointed_on < boundary
    assert anan.transferred_in_on is None
    assert preeya.appointed_on == date(2020, 11, 1)
    assert rung.appointed_on is not None
    assert rung.appointed_on < boundary
    assert (rung.title, rung.transferred_in_on) == ("ว่าที่ ร.ต.", date(2019, 4, 1))
    assert (retired.status, retired.retires_on) == ("retired", date(2022, 10, 1))


def test_the_page_gives_what_the_cast_must_type() -> None:
    page = (SAMPLES / "README.md").read_text(encoding="utf-8")
    for serial, person in enumerate(CAST, start=1):
        assert dashed(national_id(serial)) in page
        assert person.laser in page
