"""Whatever is typed, wherever it is asked: a sentence comes back, and nothing breaks."""

import random
import unicodedata
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest

from tests.cast import ANAN, SOMCHAI
from tests.house import Chat, House
from tests.security.tools import proves, rows

Lines = list[MutableMapping[str, Any]]

NASTY = (
    "\u202eolleh\u202c", "\u2066\u2067\u2068x\u2069", "\u200f\u200e\u061cשלום", "مرحبا 123",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!", "e" + "\u0301\u0323" * 2_499,
    "👩‍👩‍👧‍👦" * 100, "🏳️‍🌈🇹🇭" * 50, "\U000e0001\U000e0020", "\ufeff\u200b\u200c\u200d\u2060x", "\u3000\u2003 \u00a0x",
    "กํา้" * 100, "เเเแ", "ก" * 5_000, "9" * 5_000, "๑" * 13, "१२३४५६", "①②③④⑤⑥", "１２３４５６７", "12e45", "0x1F40",
    "{name} {0} {} %s %(x)s ${x} {{7*7}}", "'; DROP TABLE people; --", '" OR 1=1', "\\", "\\u0000", "\x1b[31mred",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;", "[b]bold[/b] [/] [link=x]", "=1+1", "@SUM(A1)",
    "a\r\nBcc: evil@example.com", "a\nb", "\r", "\x7f", "\x01\x02\x03x", "\u2028\u2029x", "ﬃ", "ß", "ı", "\u212a", "İ",
    "\U0001f1f9", "\ufffd\ufffe\uffff", "\U0010ffff", "a@b", "@", "a@b@c.example", "..", "../../etc/passwd", "null",
    "true", "c1.0.AAAA", "go:login", "1 ม.ค. 0", "0/0/0", "31 ก.พ. 2530", "1/1/99999999999",
    "29 ก.พ. 2567", "๓๒/๑๓/๒๕๖๗",
)  # fmt: skip


def anything(seed: int) -> Iterator[str]:
    """The list above, then texts from all of Unicode."""
    yield from NASTY
    dice = random.Random(seed)
    for _ in range(15):
        yield "".join(_letter(dice) for _ in range(dice.choice((1, 2, 7, 40, 300))))


def _letter(dice: random.Random) -> str:
    top = dice.choice((0x7F, 0x24F, 0xE7F, 0xFFFF, 0x10FFFF))
    while unicodedata.category(letter := chr(dice.randint(1, top))) == "Cs":
        pass
    return letter


async def throws(chat: Chat, expected: str, seed: int) -> None:
    """Every text at the question that is open; most are refused there, and the question stays or comes again."""
    answers = len(chat.screens)
    for text in anything(seed):
        response = await chat.post({"text": text})
        assert response.status_code == (200 if text.strip() else 400), repr(text)
        answers += response.status_code == 200
    await chat.hears(answers)
    await chat.says("?")
    chat.sees(expected)


def assert_calm(said: Lines, caplog: pytest.LogCaptureFixture) -> None:
    assert not [line for line in said if line["log_level"] in ("error", "critical")]
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


async def test_at_every_question_of_logging_in(house: House, said: Lines, caplog: pytest.LogCaptureFixture) -> None:
    chat = await house.somebody()
    await throws(chat, "home.choose", 1)
    await chat.taps("menu.login")
    await throws(chat, "ask.notice", 2)
    await chat.taps("choice.acknowledge")
    await throws(chat, "ask.national_id", 3)
    await chat.says(SOMCHAI.national_id)
    await throws(chat, "ask.code", 4)
    await chat.says(await house.code_for(SOMCHAI.email))
    await throws(chat, "ask.group", 5)
    assert_calm(said, caplog)


async def test_at_every_question_of_proving_who_one_is(
    house: House, said: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    """Names may be nearly anything: a name that was taken is given back before the next text."""
    chat = await house.somebody()
    await chat.begins(ANAN.national_id)
    for text in anything(6):
        if text.strip():
            await chat.says(text)
            if "ไม่ทราบวันหรือเดือนเกิด" in chat.screen.labels:
                await chat.taps("control.back")
    chat.sees("ask.name")
    await chat.says(ANAN.name)
    await throws(chat, "ask.birth_date", 7)
    await chat.says(ANAN.born)
    await throws(chat, "ask.laser", 8)
    await chat.says(ANAN.laser)
    await throws(chat, "ask.email", 9)
    await chat.says("anan.new@example.com")
    await throws(chat, "ask.email_again", 10)
    await chat.says("anan.new@example.com")
    await throws(chat, "ask.save_email", 11)
    assert_calm(said, caplog)


async def test_at_every_question_of_somebody_logged_in(
    house: House, said: Lines, caplog: pytest.LogCaptureFixture
) -> None:
    chat = await house.somebody()
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await chat.taps("menu.profile")
    await throws(chat, "ask.card", 12)
    await chat.taps("choice.edit_contact")
    await throws(chat, "ask.phone", 13)
    await chat.says("+66 81 999 9999")
    await throws(chat, "ask.fax", 14)
    await chat.taps("choice.no_number")
    await throws(chat, "ask.save_contact", 15)
    await chat.taps("control.cancel")
    await chat.taps("menu.shared_phone")
    await throws(chat, "ask.shared", 16)
    assert_calm(said, caplog)


# --- addresses that are not what they look like -----------------------------------------------------------------------

ADDRESSES = (
    "anan@example.com\r\nBcc: evil@example.com", "anan@example.com\nSubject: x", "anan@example.com, evil@example.com",
    "anan@example.com;evil@example.com", "<anan@example.com>", "Anan <anan@example.com>", '"anan"@example.com',
    "anan@@example.com", "anan@example", "anan@-example.com", "anan@example..com", ".anan@example.com",
    "anan.@example.com", "anan@[127.0.0.1]", "anan@127.0.0.1 ", "anan@localhost", "an an@example.com",
    "anan@exam ple.com", "anan@\u212aexample.com", "anan@mıcrosoft.com", "anan@gооgle.com", "anan@xn--ggle-55da.com",
    "anan@ｅxample.com", "ａnan@example.com", "anan@example。com", "a" * 65 + "@example.com",
    "anan@" + "a" * 250 + ".com",
    "=cmd@example.com", "+66@example.com@", "anan@example.com\u202e", "`id`@example.com", "$(id)@example.com",
    "|id@example.com", "anan/x@example.com", "อนันต์@example.com", "anan@ตัวอย่าง.ไทย",
)  # fmt: skip


@pytest.mark.parametrize("question", ["register", "change"])
async def test_no_mail_goes_to_an_address_that_deceives(house: House, question: str) -> None:
    chat = await house.somebody()
    if question == "register":
        await proves(chat, ANAN)
    else:
        await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
        await chat.taps("menu.change_email")
    mailed = len(house.post.mails)
    taken = []
    for address in ADDRESSES:
        await chat.says(address)
        if "พิมพ์อีเมลอีกครั้งเพื่อยืนยัน" in chat.screen.text:
            taken.append(address)
            await chat.taps("control.back")
        chat.sees("ask.email")
    assert set(taken) <= {"anan@example.com\u202e"}  # what nobody sees is taken off; the plain address is left
    assert len(house.post.mails) == mailed


async def test_the_code_goes_to_the_stored_address(house: House) -> None:
    """Typed in capitals twice, it is one address, in lower case, wherever it is used."""
    chat = await house.somebody()
    await registers_typed(chat, "ANAN.New@EXAMPLE.com", "anan.new@Example.COM")
    assert {str(mail["to"]) for mail in house.post.mails} == {"anan.new@example.com"}
    for mail in house.post.mails:
        assert mail.keys().count("To") == 1
        assert "Bcc" not in mail


async def registers_typed(chat: Chat, first: str, second: str) -> None:
    await proves(chat, ANAN)
    await chat.says(first)
    await chat.says(second)
    await chat.taps("choice.save")
    await chat.says(await chat.house.code_for("anan.new@example.com"))
    chat.sees("register.saved")


async def test_two_addresses_that_look_alike_are_two(house: House) -> None:
    chat = await house.somebody()
    await proves(chat, ANAN)
    await chat.says("anan.l1@example.com")
    await chat.says("anan.ll@example.com")
    chat.sees("error.email_differs")


async def test_html_in_a_name_stays_words(house: House) -> None:
    """It goes out as text in JSON, and never as a page."""
    chat = await house.somebody()
    await chat.begins(ANAN.national_id)
    await chat.says("<b>อนันต์</b> <img/src=x/onerror=alert(1)>")
    chat.sees("ask.birth_date")
    response = await chat.post({"text": "<script>alert(1)</script>"})
    assert response.headers["content-type"] == "application/json"
    async with chat.client.stream("GET", f"{house.url}/chat/stream") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["x-content-type-options"] == "nosniff"


async def test_thai_digits_are_digits_and_other_digits_are_not(house: House) -> None:
    """One policy: Thai and fullwidth digits are taken everywhere, other scripts' nowhere; they count as no guess."""
    chat = await house.somebody()
    await chat.begins("๑-๙๙๙๙-๐๐๐๐๐-๐๑-๓")
    code = await house.code_for(SOMCHAI.email)
    for zero in ("०", "٠", "𝟎"):
        await chat.says("".join(chr(ord(zero) + int(digit)) for digit in code))
        chat.sees("error.code_format")
    assert await rows(house, "SELECT guesses FROM codes") == [{"guesses": 0}]
    await chat.says("".join(chr(ord("๐") + int(digit)) for digit in code))
    chat.sees("ask.group")
