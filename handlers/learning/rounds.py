"""The rounds that are shipped, exactly as in the letters. A round of an office's own is a file in the same words, read
by `kp7 learning round`. Recipients ship empty: nothing may go anywhere that nobody here has entered."""

from datetime import date
from decimal import Decimal

from handlers.learning.rules import Channel, Need, Round, Special

OCSC, THAI_MOOC, LOCAL_MOOC = "ocsc", "thaimooc", "localmooc"

ROUND_1_2567 = Round(
    letter="พร ๐๐๒๓.๑/๑๗๒",
    first=date(2023, 10, 1),
    last=date(2024, 3, 31),
    channels=(
        Channel(
            code=OCSC,
            name_th="OCSC Learning Portal ของสำนักงาน ก.พ.",
            name_en="OCSC Learning Portal",
            url="https://learningportal.ocsc.go.th",
        ),
        Channel(code=THAI_MOOC, name_th="Thai MOOC", name_en="Thai MOOC", url="https://www.thaimooc.org"),
        Channel(
            code=LOCAL_MOOC,
            name_th="Local MOOC ของกรมส่งเสริมการปกครองท้องถิ่น",
            name_en="Local MOOC",
            url="https://www.localmooc.com",
        ),
    ),
    need=Need(courses=1),
    specials=(Special(position="ท้องถิ่นจังหวัด", courses=3, by_channel={LOCAL_MOOC: 2}),),
    opens=date(2024, 3, 1),
    closes=date(2024, 3, 15),
    counted_until=date(2024, 3, 21),
    points_a_day=Decimal("0.25"),
)
INTERNAL_DUE = date(2024, 2, 29)  # when staff must have handed in: the office's own letter, พร ๐๐๒๓.๑/๑๗๒
