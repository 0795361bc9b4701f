"""The page on which papers are signed opens for one person, one paper, one browser, for half an hour (FILE3)."""

from tests.house import House
from tests.security.tools import rows
from tests.signing import Phone

GONE = "ลิงก์นี้ใช้ไม่ได้แล้วค่ะ กรุณากลับไปที่แชต หากยังไม่ได้ลงนาม กด “ขอลิงก์ใหม่”"
CHANGED = "เอกสารนี้เปลี่ยนไปหรือปิดรับแล้ว"
NOBODYS = "/certify/" + "x" * 43


async def is_refused_everywhere(phone: Phone, path: str) -> None:
    """Byte for byte what somebody gets who made the address up."""
    for method, ending in (("GET", ""), ("POST", ""), ("GET", "/pages/1"), ("POST", "/sign")):
        got, invented = [await phone.client.request(method, f"{each}{ending}") for each in (path, NOBODYS)]
        assert got.status_code == invented.status_code == 404
        assert got.content == invented.content
        assert {**got.headers, "date": ""} == {**invented.headers, "date": ""}
        if ending != "/pages/1":
            assert GONE in got.text


async def jobs_in(house: House) -> int:
    return len(await rows(house, "SELECT 1 FROM outbox WHERE kind = 'papers'"))
