"""The steady cast of the tests; they stand at the top of `samples/roster.csv`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Player:
    national_id: str
    name: str
    born: str
    laser: str
    email: str = ""


SOMCHAI = Player("1999900000013", "สมชาย ทดสอบ", "5 ก.พ. 2527", "JT1000000101", "somchai.t@example.go.th")
MALEE = Player("1999900000021", "มาลี ตัวอย่าง", "12 ส.ค. 2522", "JT2000000202", "malee.t@example.go.th")
ANAN = Player("1999900000030", "อนันต์ สมมติ", "30 พ.ย. 2519", "JT3000000303")  # before 2561, no e-mail
PRIYA = Player("1999900000048", "ปรียา ใจตัวอย่าง", "17 เม.ย. 2539", "JT4000000404")  # later hire, no e-mail
RUNG = Player("1999900000056", "รุ่ง จำลอง", "5 ก.พ. 2528", "JT5000000505")  # transferred in, no e-mail
SUK = Player("1999900000064", "สุข พักทดสอบ", "9 มี.ค. 2505", "JT6000000606", "suk.p@example.com")  # retired
STRANGER = Player("1101700230708", "ใคร ไม่รู้", "1 ม.ค. 2530", "ZZ0000000000")  # on no roster
