"""What no page of ours would send changes nothing."""

import json

import httpx
import pytest

from tests.cast import SOMCHAI
from tests.house import Chat, House
from tests.security.certify.tools import GONE, jobs_in
from tests.security.tools import rows
from tests.signing import BOX, STROKES, Phone, link


def asked(**more: object) -> bytes:
    return json.dumps({"version": 1, "strokes": STROKES, "boxes": [], **more}).encode()


GIVEN = asked()
BODIES = {
    "nothing": b"",
    "a list": b"[]",
    "brackets": b"[" * 100_000,
    "deep strokes": asked(strokes=[[[[1, 2], [3, 4]]]]),
    "NaN": GIVEN.replace(b"700.0", b"NaN"),
    "infinite": GIVEN.replace(b"700.0", b"1e999"),
    "astronomic": GIVEN.replace(b"700.0", b"9" * 400),
    "too long a number": GIVEN.replace(b"700.0", b"9" * 5_000),
    "a key twice": GIVEN.replace(b'"boxes": []', b'"boxes": [], "boxes": []'),
    "true for a number": GIVEN.replace(b"700.0", b"true"),
    "words for points": asked(strokes=["1234"]),
    "a point of three": asked(strokes=[[[1, 2, 3], [400, 400, 400]]]),
    "a point that is an object": asked(strokes=[[{"0": 1, "1": 2}]]),
    "strokes that are an object": asked(strokes={"0": []}),
    "a version that is true": asked(version=True),
    "a version that is text": asked(version="1"),
    "no version": b'{"strokes": null, "boxes": []}',
    "boxes that are none": asked(boxes=None),
    "a box of text": asked(boxes=["1"]),
    "half a box": asked(boxes=[{"page": 1}]),
    "a box with more": asked(boxes=[{**BOX, "name": "x"}]),
    "a box outside": asked(boxes=[{**BOX, "left": -0.1}]),
    "a box beyond": asked(boxes=[{**BOX, "left": 1.1}]),
    "an empty box": asked(boxes=[{**BOX, "width": 0}]),
    "a box at the very edge": asked(boxes=[{**BOX, "left": 1.0}]),
    "an endless box": asked(boxes=[BOX]).replace(b"0.05", b"1e999").replace(b"0.3", b"-1e999"),
    "a box on no page": asked(boxes=[{**BOX, "page": 0}]),
    "a box on a page too far": asked(boxes=[{**BOX, "page": 3}]),
    "a box on half a page": asked(boxes=[{**BOX, "page": 1.5}]),
    "a surrogate": GIVEN.replace(b'"version"', b'"\\ud800": 1, "version"'),
    "UTF-16": GIVEN.decode().encode("utf-16"),
    "20,001 points": asked(strokes=[[[1, 2]] * 20_001]),
    "1,001 strokes": asked(strokes=[[[1, 2]]] * 1_001),
}
SENTENCES = {
    "no strokes": (asked(strokes=[]), "กรุณาลงลายมือชื่อก่อน"),
    "empty strokes": (asked(strokes=[[], []]), "กรุณาลงลายมือชื่อก่อน"),
    "a dot": (asked(strokes=[[[500, 200]]]), "ลายมือชื่อสั้นเกินไป"),
    "a slip": (asked(strokes=[[[500, 200], [520, 210]]]), "ลายมือชื่อสั้นเกินไป"),
    "201 boxes": (asked(boxes=[BOX] * 201), "มากเกินไป"),
    "over half a MiB": (b" " * (512 * 1024 + 1), "มากเกินไป"),
}


async def test_what_no_page_of_ours_sends_changes_nothing(house: House, somchai: Chat, phone: Phone) -> None:
    path = await link(house, SOMCHAI)
    await phone.opens(path)

    async def send(body: bytes) -> httpx.Response:
        return await phone.client.post(f"{path}/sign", content=body)

    for name, body in BODIES.items():
        answer = await send(body)
        assert answer.status_code == 400, name
        assert "ส่งไม่สำเร็จ" in answer.json()["message"], name
    for name, (body, words) in SENTENCES.items():
        answer = await send(body)
        assert answer.status_code in (413, 422), name
        assert words in answer.json()["message"], name
    assert await jobs_in(house) == 0
    assert await rows(house, "SELECT 1 FROM signatures") == []
    assert (await send(GIVEN)).status_code == 200


async def test_a_stranger_is_not_even_listened_to(house: House, somchai: Chat, phone: Phone, stranger: Phone) -> None:
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    for body in (*BODIES.values(), *(body for body, _ in SENTENCES.values())):
        answer = await stranger.client.post(f"{path}/sign", content=body)
        assert (answer.status_code, answer.json()["message"]) == (404, GONE)


@pytest.mark.parametrize(
    "path",
    ["/certify/", "/certify/x", "/certify/" + "x" * 42, "/certify/" + "x" * 5_000, "/certify/%00" + "x" * 42,
     "/certify/" + "%E0%B8%81" * 43, "/certify/..%2f" + "x" * 40, "/certify/static", "/certify/static/",
     "/certify/static/..%2fcertify.py", "/certify/static/%2e%2e/templates/sign.html"],
)  # fmt: skip
async def test_addresses_that_are_none(house: House, stranger: Phone, path: str) -> None:
    for method, ending in (("GET", ""), ("POST", ""), ("GET", "/pages/1"), ("POST", "/sign"), ("PUT", "")):
        answer = await stranger.client.request(method, path + ending)
        assert answer.status_code in (404, 405)
        assert "Traceback" not in answer.text


@pytest.mark.parametrize("number", ["0", "3", "-1", "01", "1.0", "x", "%D9%A1", "9" * 5_000, "1%00", "..%2f1"])
async def test_a_page_that_is_not_there(house: House, somchai: Chat, phone: Phone, number: str) -> None:
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    assert (await phone.page(path, number)).status_code == 404
