"""The page beside the samples: what the files hold and who the cast are."""

from bot import thai
from samples.cast import CAST
from samples.organisations import ORGANISATIONS
from samples.people import PEOPLE, dashed, national_id
from samples.tables import UNCERTIFIED

# Which paper of `papers/` goes where in the demo, as Somchai, and what happens.
PAPERS = (
    (
        "1_id_card_front.jpg, 1_id_card_back.jpg",
        "บัตรประชาชน / ID card",
        "ภาพถ่ายจากโทรศัพท์สองภาพ รวมเป็น PDF ฉบับเดียว สองหน้า พิกัดที่กล้องบันทึกไว้หายไป",
        "two photos from a phone become one PDF of two pages; the place that the camera noted is gone",
    ),
    (
        "2_house_registration_scan.pdf",
        "ทะเบียนบ้าน / house registration",
        "ไฟล์สแกน ไม่มีตัวอักษรให้ค้น หน้าหลังว่าง จึงไม่ประทับตรา",
        "a scan; its empty back page gets no mark",
    ),
    (
        "3_father_death_certificate.heic",
        "มรณบัตรบิดา (ตอบว่าบิดาถึงแก่กรรม) / father's death certificate (answer that he has died)",
        "ภาพ HEIC จาก iPhone แปลงเป็น PDF",
        "a HEIC picture from an iPhone becomes a PDF",
    ),
    (
        "4_mother_card.jpg",
        "บัตรมารดา / mother's ID card",
        "ภาพถ่ายจากโทรศัพท์ ลากปิดคำว่า พุทธ ได้ตอนประทับตรา",
        "a photo; black out the religion when certifying it",
    ),
    (
        "7_degree.pdf",
        "ปริญญาบัตรที่ใช้บรรจุ / degree of the appointment",
        "PDF จากเครื่องพิมพ์ รับตามที่เป็น",
        "a born-digital PDF is taken as it is",
    ),
    (
        "7_transcript.pdf",
        "ใบแสดงผลการศึกษาที่ใช้บรรจุ / transcript of the appointment",
        "PDF สองหน้า ประทับตราทั้งสองหน้า (วุฒิสูงสุดเป็นฉบับเดียวกัน ไม่ต้องส่งซ้ำ)",
        "two pages, both are marked (the highest degree is the same one and need not be sent again)",
    ),
    (
        "order.pdf",
        "คำสั่งมอบหมายนางมาลี / the order by which Malee acts for HR",
        "`make run` ใช้แล้ว ลองเองได้ด้วย `kp7 officer add --order-file`",
        "`make run` has used it; try it yourself with `kp7 officer add --order-file`",
    ),
    ("x_locked.pdf", "ช่องใดก็ได้ / anywhere", "ไม่รับ: ต้องใช้รหัสผ่าน (1234)", "refused: it needs a password (1234)"),
    ("x_truncated.pdf", "ช่องใดก็ได้ / anywhere", "ไม่รับ: ไฟล์มาไม่ครบ", "refused: a part of the file is missing"),
)


def readme() -> str:
    """What the files hold and who the cast are, in both languages."""
    lines = [
        "# ข้อมูลตัวอย่าง / Samples",
        "",
        "ทุกชื่อ เลข และที่อยู่ในโฟลเดอร์นี้เป็นข้อมูลสมมติ แฟ้ม CSV ทั้งหมดสร้างด้วย `python samples/make_samples.py`",
        "รวมทั้งหน้านี้ จึงไม่ควรแก้ด้วยมือ",
        "",
        "Every name, number and address here is invented. `python samples/make_samples.py` makes all CSV files",
        "and this page: do not edit them by hand.",
        "",
        f"- `organisations.csv`: {len(ORGANISATIONS)} หน่วยงาน / organisations",
        f"- `roster.csv`: {PEOPLE} คน / people",
        "- `roster_dpis.csv`: ข้าราชการ พนักงานราชการ และลูกจ้างประจำในแฟ้มเดียวกัน ตามคอลัมน์ของ DPIS / those of them "
        "whom DPIS would know, in its raw columns",
        f"- `uncertified.csv`: บัญชีรายชื่อ {len(UNCERTIFIED)} คนที่ต้องส่งเอกสาร / the list of those who owe papers "
        "(`kp7 campaign documents --list`)",
        "- `papers/`: เอกสารพร้อมลอง สร้างด้วย `python samples/make_demo_papers.py` / papers to try with (see below), "
        "made by that script",
        "- `python samples/make_papers.py FOLDER`: เอกสารตัวอย่าง (PDF ภาพสแกน ภาพถ่าย) และแฟ้มที่ต้องถูกปฏิเสธ / sample "
        "papers as PDF, scan and photo, and files that must be refused",
        "- `python samples/make_certificates.py FOLDER`: ประกาศนียบัตรสมมติของการเรียนออนไลน์ จากห้าโปรแกรมสร้าง PDF "
        "และภาพถ่าย / invented e-learning certificates, as five programs write them into PDFs, and as photos",
        "",
        "## ตัวละครหลัก / The cast",
        "",
        "| # | ชื่อ / Name | เลขประจำตัวประชาชน / ID | วันเกิด / Born | Laser Code | อีเมล / E-mail "
        "| เกิดอะไรขึ้น / What happens |",
        "|---|---|---|---|---|---|---|",
    ]
    for serial, person in enumerate(CAST, start=1):
        born = f"{thai.format_date(person.born, 'th')} / {thai.format_date(person.born, 'en')}" if person.born else "–"
        cells = (
            str(serial),
            person.full_name,
            f"`{dashed(national_id(serial))}`",
            born,
            f"`{person.laser}`",
            f"`{person.email}`" if person.email else "–",
            f"{person.note_th} / {person.note_en}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "## ลองส่งเอกสาร / Trying the papers",
        "",
        "`make run` เตรียมรายการเอกสารที่ต้องส่งไว้ให้คนใน `uncertified.csv` แล้ว เข้าสู่ระบบเป็นนายสมชาย ตอบคำถามว่าบิดาถึงแก่กรรม",
        "มารดายังมีชีวิต ไม่มีคู่สมรสหรือบุตร วุฒิสูงสุดเป็นวุฒิที่ใช้บรรจุ ไม่มีใบอนุญาต ไม่เคยเปลี่ยนชื่อ",
        "แล้วลากแฟ้มจาก `papers/` ลงในหน้าแชต",
        "",
        "`make run` has asked those in `uncertified.csv` for their papers. Log in as Somchai; answer that the father",
        "has died and the mother lives, no spouse, no children, the highest degree is that of the appointment, no",
        "licence, no other name. Then drag files from `papers/` into the chat.",
        "",
        "| แฟ้ม / File | ใช้เป็น / As | เกิดอะไรขึ้น / What happens |",
        "|---|---|---|",
        *(
            f"| {', '.join(f'`{name}`' for name in names.split(', '))} | {place} | {in_thai} / {in_english} |"
            for names, place, in_thai, in_english in PAPERS
        ),
    ]
    return "\n".join(lines) + "\n"
