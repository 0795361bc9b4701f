"""The roster's columns and words, as data: what HR's files call things, and what this program calls them.

Two layouts: the Thai headers that HR offices type, and the raw columns of DPIS, the personnel system of OCSC.
A blank cell is a statement ("has no e-mail"), a missing column is none: a file that merely misspells a header would
otherwise silently bring nothing in. So every column must be there, but those marked `optional`.
"""

from dataclasses import replace
from typing import Literal

from handlers.organisation.tables import Column, plain

Kind = Literal[
    "civil_servant",
    "judicial_officer",
    "local_officer",
    "teacher",
    "permanent_employee",
    "government_employee",
    "contract_mission",
    "contract_general",
    "contract",
    "temporary_employee",
]
Status = Literal[
    "active",
    "seconded",
    "on_leave",
    "suspended",
    "awaited",
    "retired",
    "resigned",
    "transferred",
    "dismissed",
    "deceased",
    "left",
]

KINDS: dict[Kind, tuple[str, ...]] = {
    "civil_servant": ("ข้าราชการ", "ข้าราชการพลเรือน", "ข้าราชการพลเรือนสามัญ"),
    "judicial_officer": ("ข้าราชการตุลาการ", "ตุลาการ"),
    "local_officer": (
        "ข้าราชการ/พนักงานส่วนท้องถิ่น",
        "ข้าราชการส่วนท้องถิ่น",
        "พนักงานส่วนท้องถิ่น",
        "ข้าราชการองค์การบริหารส่วนจังหวัด",
        "พนักงานเทศบาล",
        "พนักงานส่วนตำบล",
    ),
    "teacher": ("ครู", "ข้าราชการครู", "ข้าราชการครูและบุคลากรทางการศึกษา", "พนักงานครู", "พนักงานครูเทศบาล"),
    "permanent_employee": ("ลูกจ้างประจำ",),
    "government_employee": ("พนักงานราชการ",),
    "contract_mission": ("พนักงานจ้างตามภารกิจ", "พนักงานจ้างภารกิจ", "พนักงานจ้าง(ภารกิจ)"),
    "contract_general": ("พนักงานจ้างทั่วไป", "พนักงานจ้าง(ทั่วไป)"),
    "contract": ("พนักงานจ้าง",),
    "temporary_employee": ("ลูกจ้างชั่วคราว",),
}
STATUSES: dict[Status, tuple[str, ...]] = {
    "active": ("ปกติ", "ปฏิบัติงาน", "ปฏิบัติราชการ", "ปฏิบัติงานปกติ", "คงอยู่"),
    "seconded": ("ช่วยราชการ",),
    "on_leave": ("ลา", "ลาศึกษา", "ลาศึกษาต่อ", "ลาคลอด"),
    "suspended": ("พักราชการ",),
    "awaited": ("รอบรรจุ",),
    "retired": ("เกษียณ", "เกษียณอายุ", "เกษียณอายุราชการ"),
    "resigned": ("ลาออก", "ลาออกจากราชการ"),
    "transferred": ("โอน", "โอนออก", "ย้ายออก"),
    "dismissed": ("ให้ออก", "ปลดออก", "ไล่ออก"),
    "deceased": ("ถึงแก่กรรม", "เสียชีวิต", "ตาย"),
    "left": ("พ้นจากราชการ", "พ้นจากส่วนราชการ", "พ้นสภาพ"),  # for whichever reason
}
KIND_BY_WORD: dict[str, Kind] = {plain(word): kind for kind, words in KINDS.items() for word in words}
STATUS_BY_WORD: dict[str, Status] = {plain(word): status for status, words in STATUSES.items() for word in words}

THAI = (
    Column("number", ("ลำดับ", "ลำดับที่", "ที่"), optional=True),  # nothing depends on it
    Column(
        "national_id",
        ("เลขประจำตัวประชาชน", "เลขบัตรประชาชน", "เลขบัตรประจำตัวประชาชน", "เลขประจำตัว", "เลขบัตร"),
        secret=True,
    ),
    Column("title", ("คำนำหน้า", "คำนำหน้าชื่อ", "คำนำหน้านาม"), optional=True),  # it may be glued to the name
    Column("first_name", ("ชื่อ", "ชื่อตัว"), secret=True),
    Column("last_name", ("นามสกุล", "สกุล"), secret=True),
    Column("birth_date", ("วันเดือนปีเกิด", "วัน/เดือน/ปีเกิด", "วันเกิด"), secret=True),
    Column("kind", ("ประเภทบุคลากร", "ประเภท")),
    Column("position_no", ("ตำแหน่งเลขที่", "เลขที่ตำแหน่ง")),
    Column("position", ("ตำแหน่งในสายงาน", "ตำแหน่ง", "ชื่อตำแหน่งในสายงาน"), longest=500),
    Column("level", ("ระดับ", "ระดับตำแหน่ง")),
    Column("unit", ("สำนัก/กอง", "หน่วยงาน", "สังกัด", "กอง/สำนัก"), longest=500),
    Column("province", ("จังหวัด",)),
    Column("appointed_on", ("วันบรรจุ", "วันที่บรรจุ")),
    Column("transferred_in_on", ("วันรับโอน", "วันที่รับโอน")),
    Column("retires_on", ("วันเกษียณ", "วันเกษียณอายุ", "วันที่เกษียณอายุ")),
    Column("email", ("อีเมล", "อีเมล์", "e-mail", "email"), secret=True, longest=500),
    Column("phone", ("โทรศัพท์", "เบอร์โทรศัพท์", "หมายเลขโทรศัพท์", "เบอร์โทร", "โทรศัพท์มือถือ"), secret=True),
    Column("status", ("สถานะ", "สถานภาพ")),
    Column("laser_code", ("Laser Code", "LaserCode", "เลขหลังบัตร"), optional=True, secret=True),
)

# DPIS has no column of its own for these: they may be added under their Thai header.
# Only these are optional there (and the number), whatever `THAI` says.
_ADDED_TO_DPIS = frozenset({"province", "transferred_in_on", "phone", "laser_code"})
_DPIS: dict[str, tuple[str, ...]] = {
    "number": ("PER_ID",),
    "national_id": ("PER_CARDNO",),
    "title": ("PN_NAME",),
    "first_name": ("PER_NAME",),
    "last_name": ("PER_SURNAME",),
    "birth_date": ("PER_BIRTHDATE",),
    "kind": ("PER_TYPE",),
    "position_no": ("POS_NO",),
    "position": ("PL_NAME",),  # in the line of work; PM_NAME, the administrative one, is blank for most
    "level": ("LEVEL_NAME",),
    "unit": ("ORG_NAME",),  # สำนัก/กอง; ORG_NAME1 and ORG_NAME2 are the levels below it
    "appointed_on": ("PER_STARTDATE",),
    "retires_on": ("PER_RETIREDATE",),
    "email": ("PER_EMAIL",),
    "status": ("PER_STATUS",),
}
_DPIS_CODES: dict[str, dict[str, str]] = {
    "kind": {"1": "ข้าราชการ", "2": "ลูกจ้างประจำ", "3": "พนักงานราชการ", "4": "ลูกจ้างชั่วคราว", "5": "ข้าราชการตุลาการ"},
    "status": {"0": "รอบรรจุ", "1": "ปกติ", "2": "พ้นจากส่วนราชการ"},
}
DPIS = tuple(
    replace(
        column,
        headers=_DPIS.get(column.name, column.headers),
        optional=column.name in _ADDED_TO_DPIS or column.name == "number",
        codes=_DPIS_CODES.get(column.name, {}),
    )
    for column in THAI
)
