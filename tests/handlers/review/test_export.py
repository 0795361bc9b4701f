"""Papers leave the house: the folder, its manifest, and what does not fit."""

import csv
import hashlib
import unicodedata
from collections.abc import AsyncIterator
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import pytest

from bot import thai
from bot.events import Invalid
from handlers.documents.rules import Family, Options
from handlers.organisation import authority
from handlers.review import export
from handlers.review.export import Fault, Report, Wanted
from storage.files import content_index
from storage.seals import CAMPAIGNS
from tests.approved import Office, national_id, office, pdf
from tests.sealing import sealed

ALL = [f"{place}_{paper}.pdf" for place, paper in (
    ("01", "บัตรประชาชน"), ("02", "ทะเบียนบ้าน"), ("03", "บัตรประชาชนบิดา"), ("04", "บัตรประชาชนมารดา"),
    ("07a", "ปริญญาบัตร วุฒิที่ใช้บรรจุ"), ("07b", "ใบแสดงผลการเรียน วุฒิที่ใช้บรรจุ"),
)]  # fmt: skip


@pytest.fixture
async def hr(database_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    found = await office(database_url, tmp_path)
    await found.campaign()
    yield found
    await found.database.close()


async def exported(hr: Office, **wanted: Any) -> tuple[ZipFile, Report]:
    report = Report()
    plan = await export.prepare(hr.house, Wanted("c1", **wanted))
    pieces = [piece async for piece in export.stream(hr.house, plan, by="cli:malee", report=report)]
    return ZipFile(BytesIO(b"".join(pieces))), report


def manifest(zip: ZipFile) -> list[dict[str, str]]:
    data = zip.read("manifest.csv")
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(StringIO(data.decode("utf-8-sig"))))


def notes(zip: ZipFile) -> list[tuple[str, str]]:
    return [(row["ลำดับเอกสาร"], row["หมายเหตุ"]) for row in manifest(zip) if row["หมายเหตุ"]]


async def change(hr: Office, sql: str, **values: object) -> None:
    async with hr.database.write() as tx:
        assert await tx.run(sql, values) > 0


async def audited(hr: Office) -> list[tuple[str, str]]:
    async with hr.database.read() as tx:
        rows = await tx.all("SELECT actor, subject FROM audit WHERE action = 'paper.exported' ORDER BY seq")
    return [(row["actor"], row["subject"]) for row in rows]


async def test_a_folder_a_person_and_a_pdf_a_paper(hr: Office) -> None:
    malee = await hr.somebody("มาลี", "ตัวอย่าง", nth=900)
    somchai = await hr.has_approved("สมชาย", officer=malee, nth=1)
    zip, report = await exported(hr)
    assert zip.testzip() is None
    folder = f"กองแผนงาน/{national_id(1)}_สมชาย-ทดสอบ"
    assert zip.namelist() == [*(f"{folder}/{name}" for name in ALL), "manifest.csv", "SHA256SUMS"]
    assert zip.read(f"{folder}/{ALL[1]}") == pdf(somchai, "house")
    for info in zip.infolist():  # UTF-8, as it is, its size in front of it, for its owner only
        assert info.flag_bits in (0, 0x800)
        assert (info.compress_type, info.external_attr >> 16) == (ZIP_STORED, 0o600)
    for line in zip.read("SHA256SUMS").decode().splitlines():
        sha256, name = line.split("  ", 1)
        assert hashlib.sha256(zip.read(name)).hexdigest() == sha256
    assert len(zip.read("SHA256SUMS").splitlines()) == len(ALL) + 1

    first, *_ = rows = manifest(zip)
    assert first == {
        "หน่วยงาน": "กองแผนงาน", "เลขประจำตัวประชาชน": "1-0000-00000-01-" + national_id(1)[-1],
        "ชื่อ-สกุล": "นายสมชาย ทดสอบ", "ลำดับเอกสาร": "01", "เอกสาร": "บัตรประชาชน", "ไฟล์": f"{folder}/{ALL[0]}",
        "จำนวนหน้า": "1", "SHA-256": hashlib.sha256(pdf(somchai, "id_card")).hexdigest(), "สถานะ": "อนุมัติแล้ว",
        "วันเวลาที่พิจารณา": "2026-11-02T12:01:00+07:00", "เวลาตามแบบไทย (พ.ศ.)": "2 พฤศจิกายน 2569 12:01 น.",
        "ผู้พิจารณา": "นายมาลี ตัวอย่าง", "ระดับ": "1", "หมายเหตุ": "",
    }  # fmt: skip
    assert [(row["ลำดับเอกสาร"], row["ไฟล์"][-11:]) for row in rows[6:]] == [
        ("08a", "ี่ใช้บรรจุ.pdf"[-11:]), ("08b", "ี่ใช้บรรจุ.pdf"[-11:])
    ], "the degree that serves twice lies there once"  # fmt: skip
    assert notes(zip) == [("08a", "ใช้ฉบับเดียวกับลำดับ 07a"), ("08b", "ใช้ฉบับเดียวกับลำดับ 07b")]
    size = sum(len(pdf(somchai, "x")) for _ in ALL)
    assert (report.of, report.people, report.papers, report.bytes, report.faults) == (1, 1, 6, size, [])
    assert await audited(hr) == [("cli:malee", somchai)]


async def test_only_what_is_final_unless_all_is_wanted(hr: Office) -> None:
    id = await hr.somebody("สมชาย")
    family = Family(spouse=True, children=10, licence=True)
    await hr.hands_in(
        id, {"id_card": b"%PDF 1", "house": b"%PDF 2", "father": None, "mother": None, "child.10": b"%PDF 3"}, family
    )
    await hr.decides(id, "id_card", "approved")
    await hr.decides(id, "father", "waived")
    zip, report = await exported(hr)
    assert [name[-19:] for name in zip.namelist()[:-2]] == ["/01_บัตรประชาชน.pdf"]
    assert [(row["เอกสาร"], row["สถานะ"], bool(row["ไฟล์"])) for row in manifest(zip)] == [
        ("บัตรประชาชน", "อนุมัติแล้ว", True), ("บัตรประชาชนบิดา", "ยกเว้น", False)
    ]  # fmt: skip
    zip, report = await exported(hr, waiting=True)
    assert [(row["ลำดับเอกสาร"], row["สถานะ"], bool(row["ไฟล์"])) for row in manifest(zip)] == [
        ("01", "อนุมัติแล้ว", True), ("02", "รอตรวจ", True), ("03", "ยกเว้น", False),
        ("04", "ขอยกเว้น รอตรวจ", False), ("0610", "รอตรวจ", True),
    ]  # fmt: skip
    assert (report.papers, report.faults) == (3, [])
    await change(hr, "UPDATE papers SET state = 'returned' WHERE slot = 'house'")
    zip, _ = await exported(hr, waiting=True)
    assert "02" not in [row["ลำดับเอกสาร"] for row in manifest(zip)]


async def test_a_verdict_that_kp7_did_not_give_lets_nothing_out(hr: Office) -> None:
    """Somebody writes the database, without MASTER_KEY."""
    id = await hr.somebody("สมชาย")
    slots = ["id_card", "house", "father", "mother", "entry.degree", "entry.transcript"]
    await hr.hands_in(id, {slot: None if slot == "mother" else pdf(id, slot) for slot in slots})
    for slot in ("house", "father", "entry.degree", "entry.transcript"):
        await hr.decides(id, slot, "approved")
    now = "UPDATE papers SET state = :state WHERE slot = :slot"
    await change(hr, now, state="approved", slot="id_card")
    await change(hr, now, state="waived", slot="mother")
    await change(hr, "UPDATE verdicts SET officer_id = 'x' WHERE slot = 'house'")
    await change(hr, "UPDATE papers SET version = version + 1 WHERE slot = 'father'")
    other = content_index(hr.house.vault, hashlib.sha256(pdf(id, "house")).hexdigest())
    await change(hr, "UPDATE papers SET content_index = :other WHERE slot = 'entry.degree'", other=other)
    zip, report = await exported(hr)
    why = "ไม่ได้ส่งออก: ไม่พบผลการพิจารณาที่ออกโดยระบบ"
    assert notes(zip)[:5] == [(place, why) for place in ("01", "02", "03", "04", "07a")]
    assert [name[-18:-4] for name in zip.namelist()[:-2]] == ["ุฒิที่ใช้บรรจุ"], "the one that is as it was"
    assert [fault.why for fault in report.faults] == ["verdict"] * 5
    async with hr.database.read() as tx:
        assert report.faults[0].id in {row["id"] for row in await tx.all("SELECT id FROM papers")}


async def test_a_file_that_is_not_the_one_that_was_looked_at_stays(hr: Office) -> None:
    id = await hr.has_approved("สมชาย", ["id_card", "house", "father", "mother", "entry.degree"])
    other = await hr.has_approved("อนันต์", ["house"])
    point = "UPDATE papers SET file_id = (SELECT file_id FROM papers x WHERE x.person_id = :at AND x.slot = :the) "
    await change(hr, f"{point} WHERE person_id = :id AND slot = 'id_card'", at=id, the="house", id=id)
    await change(hr, f"{point} WHERE person_id = :id AND slot = 'house'", at=other, the="house", id=id)
    await change(hr, "UPDATE papers SET file_id = '../../../etc/passwd' WHERE slot = 'father'")
    await change(hr, "UPDATE papers SET detail = 'x' WHERE slot = 'mother'")
    await change(hr, "UPDATE papers SET slot = '../../x' WHERE slot = 'entry.degree'")
    zip, report = await exported(hr)
    assert [fault.why for fault in report.faults] == ["content", "unreadable", "missing", "unreadable", "unknown"]
    assert len(zip.namelist()) == 3, "the other one's, and what lies beside"
    assert zip.testzip() is None


async def test_two_levels_are_two_officers(hr: Office) -> None:
    await hr.campaign(id="c2", options=Options(levels=2))
    await change(hr, "UPDATE campaigns SET options = (SELECT options FROM campaigns WHERE id = 'c2') WHERE id = 'c1'")
    async with hr.database.write() as tx:
        await sealed(tx, hr.house.vault, CAMPAIGNS, "c1")
    malee, suda, somchai = [await hr.somebody(name, nth=n) for n, name in enumerate(("มาลี", "สุดา", "สมชาย"), 1)]
    rest = ("house", "father", "mother")
    await hr.hands_in(somchai, {slot: pdf(somchai, slot) for slot in ("id_card", *rest)})
    by = {"id_card": (malee, suda), "house": (malee, malee), "father": (malee, somchai)}
    for slot, officers in by.items():
        for level, officer in enumerate(officers, 1):
            await hr.decides(somchai, slot, "approved", officer, last=level == 2)
    await hr.decides(somchai, "mother", "approved", malee, last=True)  # as if one had been enough
    zip, report = await exported(hr)
    assert [row["ผู้พิจารณา"] for row in manifest(zip)] == ["นายสุดา ทดสอบ", "", "", ""]
    assert [row["ระดับ"] for row in manifest(zip)] == ["2", "", "", ""]
    assert [fault.why for fault in report.faults] == ["verdict"] * 3


UGLY = {
    "../../etc": "กอง/../..\\x", "สมชาย\u202etxt.exe": "..", "ก" * 200: "C:\\Windows", "=1+1": "=cmd|' /C calc'!A0",
    "น้ำ" * 30: "@SUM(A1)", "con": "NUL", "a\r\nb\t": "manifest.csv", " . ": " ", "🤡\u200d" * 40: "x." * 60,
    "\u22121+1": "\ufe621+1", "\ufe6bSUM": "กอง;=1+1", "a; \uff0b1": "\u207a1;-1", "\ufe631": "b;\u22121;@x",
}  # fmt: skip


async def test_no_name_leads_anywhere_or_is_a_formula(hr: Office) -> None:
    for first, unit in UGLY.items():
        await hr.has_approved(first, ["house"], last="สกุล", unit=unit)
    zip, report = await exported(hr)
    names = zip.namelist()
    assert (report.papers, len(set(names)), len(names)) == (len(UGLY), len(names), len(UGLY) + 2)
    assert len({name.casefold() for name in names}) == len(names)
    for name in names[:-2]:
        unit, person, paper = name.split("/")
        assert len(name) < 180
        for part in (unit, person, paper):
            assert part.isprintable()
            assert not set(part) & set('<>:"\\|?*')
            assert part.strip(". ") == part
            assert part not in ("", "..")
            assert part.split(".")[0].casefold() not in ("con", "nul")
            assert part.casefold() != "manifest.csv"
            assert len(part.encode()) < 255
            assert thai.clean(part) == part
        assert unit[0] not in "=+-@"
    assert f"{national_id(5)}_{'น้ำ' * 16}" in names[4] or any(f"_{'น้ำ' * 16}/" in name for name in names)
    for row in manifest(zip):
        for cell in row.values():
            for part in cell.split(";"):  # as a spreadsheet that expects semicolons would cut it
                first = unicodedata.normalize("NFKC", part.strip()[:1])
                assert first not in ("=", "+", "-", "@", "\u2212"), cell
            assert not cell.startswith(("\t", "\r"))
            assert "\n" not in cell
            assert "\0" not in cell
        assert row["ไฟล์"] in names


async def test_who_is_erased_meanwhile_is_left_out(hr: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await hr.has_approved("สมชาย", ["id_card", "house"])
    await hr.has_approved("อนันต์", ["id_card"])
    genuine = hr.house.files.get

    async def get(id: str, key: Any) -> bytes:
        data = await genuine(id, key)
        async with hr.database.write() as tx:
            await tx.run("DELETE FROM papers WHERE person_id = :id AND slot = 'house'", {"id": one})
        return data

    monkeypatch.setattr(hr.house.files, "get", get)
    zip, report = await exported(hr)
    assert [row["ลำดับเอกสาร"] for row in manifest(zip)] == ["01", "01"]
    assert (len(zip.namelist()), report.faults) == (4, [])


async def test_one_damaged_record_keeps_nobody_elses_back(hr: Office) -> None:
    bad = await hr.has_approved("สมชาย", ["id_card"])
    await hr.has_approved("อนันต์", ["id_card"])
    await change(hr, "UPDATE people SET profile = 'x' WHERE id = :id", id=bad)
    zip, report = await exported(hr)
    assert (report.papers, report.faults) == (1, [Fault(bad, "unreadable")])
    assert notes(zip) == [("", "ไม่ได้ส่งออก: ข้อมูลเปิดไม่ได้ อาจถูกแก้ไข")]


async def test_what_breaks_off_is_no_zip(hr: Office) -> None:
    for nth in range(3):
        await hr.has_approved(f"คน{nth}", ["id_card", "house"])
    plan = await export.prepare(hr.house, Wanted("c1"))
    pieces = [piece async for piece in export.stream(hr.house, plan, by="cli:malee")]
    assert ZipFile(BytesIO(b"".join(pieces))).testzip() is None
    for end in range(len(pieces)):
        with pytest.raises(BadZipFile):
            ZipFile(BytesIO(b"".join(pieces[:end])))
    with pytest.raises(BadZipFile):
        ZipFile(BytesIO(b"".join(pieces)[:-1]))


async def test_units_are_left_out_that_are_not_wanted(hr: Office) -> None:
    await hr.has_approved("สมชาย", ["house"], code="D0103")
    await hr.has_approved("อนันต์", ["house"], code="D0201", unit="กองอื่น")
    zip, _ = await exported(hr, units=frozenset({"D0201"}))
    assert [row["หน่วยงาน"] for row in manifest(zip)] == ["กองอื่น"]
    zip, _ = await exported(hr, units=frozenset())
    assert manifest(zip) == []


async def granted(hr: Office, person: str, role: str, scope: str) -> None:
    row = {
        "id": f"grant {person}", "person_id": person, "role": role, "scope": scope, "below": 0, "home": "D0103",
        "key_id": "k", "detail": "", "order_date": "2026-01-01", "order_file": "", "starts_on": "2026-01-01",
        "ends_on": None, "granted_by": "cli:x", "granted_at": 1, "ended_at": None, "ended_why": None,
    }  # fmt: skip
    row["mac"] = authority.grant_mac(hr.house.vault, row)
    async with hr.database.write() as tx:
        await tx.run(f"INSERT INTO grants ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", row)


async def test_an_officer_exports_their_units_but_not_themselves_and_stops_with_the_role(hr: Office) -> None:
    await hr.organisations(D0103="", D0201="")
    malee = await hr.has_approved("มาลี", ["house"])
    admin = await hr.somebody("สุดา")
    for nth in range(export.CHUNK + 1):
        await hr.has_approved(f"คน{nth}", ["house"], nth=100 + nth)
    await hr.has_approved("อนันต์", ["house"], unit="กองอื่น", code="D0201")
    await granted(hr, malee, "unit_hr", "D0103")
    await granted(hr, admin, "central_admin", "D0103")
    zip, report = await exported(hr, officer=malee)
    assert {row["หน่วยงาน"] for row in manifest(zip)} == {"กองแผนงาน"}
    assert "นายมาลี ทดสอบ" not in {row["ชื่อ-สกุล"] for row in manifest(zip)}
    assert report.people == export.CHUNK + 1
    for officer, units in ((malee, {"D0201"}), (malee, {"D0103", "D0201"}), (malee, set()), (admin, None), ("x", None)):
        with pytest.raises(Invalid, match="not_officer"):
            await export.prepare(hr.house, Wanted("c1", None if units is None else frozenset(units), officer))

    plan = await export.prepare(hr.house, Wanted("c1", officer=malee))
    coming = export.stream(hr.house, plan, by="web:x")
    pieces = [await anext(coming)]
    await change(hr, "UPDATE grants SET ended_at = 2 WHERE person_id = :id", id=malee)
    with pytest.raises(Invalid, match="not_officer"):
        pieces += [piece async for piece in coming]
    with pytest.raises(BadZipFile):
        ZipFile(BytesIO(b"".join(pieces)))
