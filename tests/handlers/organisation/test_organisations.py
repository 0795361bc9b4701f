"""The tree of organisations: its rows, and whether they hang together."""

from pathlib import Path

import pytest

from handlers.organisation.organisations import (
    Kind,
    OrganisationRow,
    check_tree,
    organisation_kind,
    read_organisations,
)
from handlers.organisation.refusals import BadFile, BadRow

HEADER = "รหัส,ประเภท,ชื่อ,ชื่ออังกฤษ,จังหวัด,อำเภอ,รหัสแม่\n"


def org(number: int, code: str, parent: str | None) -> OrganisationRow:
    return OrganisationRow(number, code, "division", "กอง", "กองตัวอย่าง", "", "", "", parent)


def test_rows_are_read_and_bad_ones_named(tmp_path: Path) -> None:
    path = tmp_path / "organisations.csv"
    path.write_text(
        f"{HEADER}๑๐,อ.บ.ต.,อบต.ทดสอบ,Thotsop,สมมติ,ลองดู,๑\n11,ปราสาท,,,,,\n12,กรม,กรมตัวอย่าง,,,,\n", encoding="cp874"
    )
    assert list(read_organisations(path)) == [
        OrganisationRow(2, "10", "subdistrict_authority", "อ.บ.ต.", "อบต.ทดสอบ", "Thotsop", "สมมติ", "ลองดู", "1"),
        BadRow(3, "ประเภท", "organisation_kind_unknown", "ปราXXX", {}),
        BadRow(3, "ชื่อ", "cell_blank", "", {}),
        OrganisationRow(4, "12", "department", "กรม", "กรมตัวอย่าง", "", "", "", None),
    ]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("กระทรวง", "ministry"),
        ("สำนัก", "division"),
        ("จังหวัด", "province"),
        ("องค์การบริหารส่วนจังหวัด", "provincial_authority"),
        ("เทศบาลนคร", "city_municipality"),
        ("สพป", "education_area"),
        ("สถานศึกษา", "school"),
    ],
)
def test_kinds_of_organisation(word: str, kind: Kind) -> None:
    assert organisation_kind(word) == kind


def test_a_tree_in_any_order_is_fine() -> None:
    assert (
        check_tree([org(2, "c", "b"), org(3, "b", "a"), org(4, "a", None), org(5, "d", "elsewhere")], {"elsewhere"})
        == ()
    )


def test_a_parent_that_is_nowhere_is_reported() -> None:
    assert check_tree([org(2, "a", None), org(3, "b", "x")]) == (BadRow(3, "รหัสแม่", "parent_unknown", "x", {}),)


def test_a_circle_is_reported_and_what_hangs_below_it() -> None:
    rows = [org(2, "below", "a"), org(3, "a", "b"), org(4, "b", "c"), org(5, "c", "a"), org(6, "own", "own")]
    assert [(row.number, row.code) for row in check_tree(rows)] == [
        (2, "parent_refused"),
        (3, "parent_cycle"),
        (4, "parent_cycle"),
        (5, "parent_cycle"),
        (6, "parent_cycle"),
    ]


def test_nothing_is_left_below_a_row_that_is_left_out() -> None:
    rows = [org(2, "c", "b"), org(3, "b", "x"), org(4, "d", "b"), org(5, "e", None), org(6, "f", "e")]
    assert [(row.number, row.code) for row in check_tree(rows)] == [
        (2, "parent_refused"),
        (3, "parent_unknown"),
        (4, "parent_refused"),
    ]


def test_a_long_chain_is_walked_once() -> None:
    chain = [org(n, str(n), str(n + 1)) for n in range(20_000)] + [org(20_000, "20000", None)]
    assert check_tree(chain) == ()


def test_a_code_that_stands_twice_refuses_the_file() -> None:
    with pytest.raises(BadFile, match="organisation_twice") as refused:
        check_tree([org(2, "a", None), org(3, "b", None), org(7, "a", "b")])
    assert refused.value.params == {"rows": "2 = 7"}
