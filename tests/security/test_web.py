"""The web server against hand-made requests: never a 5xx, never a state change, always a sentence or a bare 4xx."""

import asyncio
import gzip
import json
import re
import uuid
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from bot.app import running, web_app
from bot.channels.web import BODY_LIMIT
from bot.settings import Settings
from tests.cast import MALEE, SOMCHAI
from tests.house import KEY, Chat, House, a_house
from tests.security.tools import on_disk, rows

HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
TABLES = ("accounts", "conversations", "inbox", "outbox", "chat_messages", "codes", "attempts")


async def state(house: House) -> dict[str, Any]:
    """All that a request could have changed."""
    async with asyncio.timeout(10):
        while await rows(house, "SELECT 1 FROM outbox"):  # noqa: ASYNC110  what is still being delivered
            await asyncio.sleep(0.01)
    return {table: await rows(house, f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES}


def messages(house: House, slot: object = 1) -> str:
    return f"{house.url}/chat/people/{slot}/messages"


def fresh(**what: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), **what}


def assert_refused(response: httpx.Response) -> None:
    """A 4xx with a sentence in both languages, or bare; no trace, no framework page."""
    assert 400 <= response.status_code < 500, response.text
    assert all(response.headers.get(name) == value for name, value in HEADERS.items())
    assert len(response.content) < 500
    if response.headers.get("content-type") == "application/json":
        assert set(response.json()["message"]) == {"th", "en"}
    assert "Traceback" not in response.text


# --- what a body may be (WH2) ----------------------------------------------------------------------------------------

ID = '"id":"abcdefgh"'
BODIES = {
    "nothing": b"",
    "not JSON": b"text=login",
    "brackets": b"[" * 60_000,
    "objects": b'{"a":' * 10_000,
    "deep in a string's shadow": b'{"id":"abcdefgh","text":"\\"","x":' + b"[" * 40 + b"]" * 40 + b"}",
    "a long integer": f'{{{ID},"text":{"9" * 5_000}}}'.encode(),
    "a long integer beside": f'{{{ID},"text":"x","n":{"9" * 5_000}}}'.encode(),
    "NaN": f'{{{ID},"text":NaN}}'.encode(),
    "NaN beside": f'{{{ID},"text":"x","n":-Infinity}}'.encode(),
    "a key twice": f'{{{ID},"text":"one","text":"two"}}'.encode(),
    "a key twice inside": f'{{{ID},"text":"x","y":{{"a":1,"a":2}}}}'.encode(),
    "a lone surrogate": f'{{{ID},"text":"\\ud800"}}'.encode(),
    "a lone surrogate as key": f'{{{ID},"text":"x","\\udfff":1}}'.encode(),
    "NUL": f'{{{ID},"text":"a\\u0000b"}}'.encode(),
    "bad UTF-8": b'{"id":"abcdefgh","text":"\xff"}',
    "overlong UTF-8": b'{"id":"abcdefgh","text":"\xc0\xaf"}',
    "UTF-16": '{"id":"abcdefgh","text":"x"}'.encode("utf-16"),
    "a list": b'[{"id":"abcdefgh","text":"x"}]',
    "null": b"null",
    "no id": b'{"text":"x"}',
    "an id too short": b'{"id":"abc","text":"x"}',
    "an id too long": f'{{"id":"{"a" * 65}","text":"x"}}'.encode(),
    "an id with a colon": b'{"id":"abcdefgh:1","text":"x"}',
    "an id with a line break": b'{"id":"abcdefgh\\n","text":"x"}',
    "an id in Thai digits": '{"id":"๑๒๓๔๕๖๗๘","text":"x"}'.encode(),
    "an id that is a number": b'{"id":12345678,"text":"x"}',
    "no event": f"{{{ID}}}".encode(),
    "text that is a list": f'{{{ID},"text":["x"]}}'.encode(),
    "only spaces": f'{{{ID},"text":" \\u3000\\n\\t "}}'.encode(),
    "press that is null": f'{{{ID},"press":null}}'.encode(),
    "press too long": f'{{{ID},"press":"{"c" * 301}"}}'.encode(),
    "open that is false": f'{{{ID},"open":false}}'.encode(),
    "text too long": json.dumps({"id": "abcdefgh", "text": "ก" * 5_001}).encode(),
    "over the limit": b'{"id":"abcdefgh","text":"' + b"x" * BODY_LIMIT + b'"}',
    "a megabyte": b'{"id":"abcdefgh","text":"' + b"x" * 2**20 + b'"}',
    "a megabyte of brackets": b"[" * 2**20,
}


async def test_bodies_that_mean_nothing(house: House) -> None:
    chat = await house.somebody()
    before = await state(house)
    for what, body in BODIES.items():
        response = await chat.client.post(messages(house), content=body, headers={"content-type": "application/json"})
        assert 400 <= response.status_code < 500, what
        assert_refused(response)
    assert await state(house) == before


async def test_bodies_without_a_length(house: House) -> None:
    """Chunked, so that no header says how much will come."""

    async def endless() -> Any:
        for _ in range(64):
            yield b"[" * 16_384

    chat = await house.somebody()
    before = await state(house)
    assert_refused(await chat.client.post(messages(house), content=endless()))
    assert await state(house) == before


async def test_what_is_only_odd_is_answered(house: House) -> None:
    """Extra keys, another content type, deep but not too deep: a sentence comes, and nothing breaks."""
    chat = await house.somebody()
    shown = len(chat.screens)
    odd: list[tuple[bytes, str]] = [
        (json.dumps(fresh(text="login", press="x", more=[1])).encode(), "text/plain"),
        (json.dumps(fresh(text="a" * 5_000)).encode(), "application/xml"),
        (json.dumps(fresh(press="")).encode(), ""),
        (json.dumps(fresh(text="x", deep=json.loads("[" * 30 + "]" * 30))).encode(), "application/json"),
    ]
    for body, kind in odd:
        response = await chat.client.post(messages(house), content=body, headers={"content-type": kind})
        assert response.status_code == 200
    await chat.hears(shown + len(odd))


async def test_a_message_that_was_edited_in_the_database_hides_no_other(house: House) -> None:
    chat = await house.somebody()
    await chat.says("สวัสดี")
    async with house.kp7.database.write() as tx:
        await tx.run("UPDATE chat_messages SET body = '1.x.y' WHERE id = (SELECT MIN(id) FROM chat_messages)")
    shown = ""
    with structlog.testing.capture_logs() as said:
        async with chat.client.stream("GET", f"{house.url}/chat/stream") as stream:
            async for part in stream.aiter_text():
                shown += part
                if "event: ready" in shown:
                    break
    assert shown.count("event: message\n") == len(chat.screens) - 1
    assert [line["event"] for line in said] == ["message_unreadable"]


# --- who may send (WEB1) ---------------------------------------------------------------------------------------------

FOREIGN = (
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1"},
    {"origin": "https://kp7.example.go.th.evil.example"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": ""},
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
)


async def test_other_sites_send_nothing(house: House) -> None:
    chat = await house.somebody()
    before = await state(house)
    for headers in FOREIGN:
        for path in ("/people/1/messages", "/people/1/files?id=abcdefgh&name=a.pdf", "/people"):
            url = f"{house.url}/chat{path}"
            assert_refused(await chat.client.post(url, json=fresh(text="login"), headers=headers))
    assert await state(house) == before


COOKIES = ("", "x", "kp7", "a" * 42, "a" * 44, "ก" * 43, "a" * 42 + "=", "../" * 15, "a" * 5_000)


async def test_cookies_that_nobody_was_given(house: House) -> None:
    await house.somebody()
    before = await state(house)
    async with httpx.AsyncClient() as stranger:
        for cookie in COOKIES:
            headers = {b"cookie": f"kp7={cookie}".encode()}
            assert_refused(await stranger.post(messages(house), json=fresh(text="login"), headers=headers))
            for path in ("/chat/people", "/chat/stream"):
                assert_refused(await stranger.get(house.url + path, headers=headers))
    assert await state(house) == before


async def test_another_browser_is_somebody_else(house: House) -> None:
    """An attacker who guesses the form of a cookie gets an empty chat of their own, not Malee's."""
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    profile = await malee.presses_data("go:profile")
    attacker = await house.somebody()
    for data in (*(button["data"] for button in profile["buttons"]), "go:profile"):
        await attacker.presses_data(data)
        assert "มาลี" not in attacker.screen.text
        assert "แก้ไข" not in attacker.screen.labels
    assert "082-000-0002" in (await malee.presses_data("go:profile")).text


async def test_no_such_slot(house: House) -> None:
    chat = await house.somebody()
    before = await state(house)
    for slot in ("0", "7", "01", "-1", "1.0", "๑", "%31%00", "9" * 20, "9" * 5_000):
        for path in ("messages", "files?id=abcdefgh&name=a.pdf"):
            url = f"{house.url}/chat/people/{slot}/{path}"
            response = await chat.client.post(url, json=fresh(text="login"))
            assert response.status_code == 404
            assert_refused(response)
    assert await state(house) == before


async def test_cookie_flags(house: House, tmp_path: Path) -> None:
    async with httpx.AsyncClient() as client:
        plain = (await client.get(f"{house.url}/chat")).headers["set-cookie"].lower()
    folder = tmp_path / "secure"
    folder.mkdir()
    async with (
        running(_settings(folder, public_url="https://kp7.example.go.th")) as kp7,
        httpx.AsyncClient(transport=httpx.ASGITransport(web_app(kp7)), base_url="https://kp7.example.go.th") as client,
    ):
        response = await client.get("/chat")
    secure = response.headers["set-cookie"]
    assert re.match(r"kp7=[\w-]{43};", plain)
    assert re.match(r"__Host-kp7=[\w-]{43};", secure)
    for flag in ("httponly", "samesite=strict", "path=/"):
        assert flag in plain
        assert flag in secure.lower()
    assert "; secure" in secure.lower()
    assert "domain" not in secure.lower()
    assert "max-age=31536000" in response.headers["strict-transport-security"]


def _settings(folder: Path, **more: Any) -> Settings:
    return Settings(_env_file=None, database_url=f"sqlite:///{folder}/kp7.db", master_key=KEY, web_chat=True, **more)


# --- what may be pressed, and how often ------------------------------------------------------------------------------

TOKENS = (
    "", "c", "c.", "..", "c1.0.", "c1.0.AAAAAAAAAAAAAAAA", "c0.0.0", "c-1.0.AAAA", "x1.0.AAAA", "c1.0.AAAA.AAAA",
    "c" + "f" * 290, "c๑.๐.ก", "c1_0.0.AAAA", "c 1.0.AAAA", "go:", "go:nobody", "go:lang.xx", "go:login.", "go:GO",
    "go:__class__", "@back", "@cancel", "../login", "<script>", "go:\u202elogin", "🙂" * 70,
)  # fmt: skip


async def test_buttons_that_nobody_made(house: House, said: list[MutableMapping[str, Any]]) -> None:
    chat = await house.somebody()
    await chat.begins(MALEE.national_id)
    for token in TOKENS:
        await chat.presses_data(token)
        chat.sees("error.old_button", "ask.code")
    assert not [line for line in said if line["event"] == "event_failed"]


async def test_buttons_of_another_chat_and_of_an_earlier_screen(house: House) -> None:
    one, other = await house.somebody(), await house.somebody()
    await one.taps("menu.login")
    await other.taps("menu.login")
    stolen, earlier = one.screen.data("รับทราบ"), other.screen.data("ยกเลิก")
    await other.presses_data(stolen)
    other.sees("error.old_button", "ask.notice")
    await other.presses_data(earlier)
    other.sees("error.old_button", "ask.notice")


async def test_an_event_sent_fifty_times_is_one_event(house: House) -> None:
    chat = await house.somebody()
    await chat.taps("menu.login")
    shown = len(chat.screens)
    event = fresh(press=chat.screen.data("รับทราบ"))
    answers = await asyncio.gather(*(chat.client.post(messages(house), json=event) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    await chat.hears(shown + 1)
    again = await chat.client.post(messages(house), json={**event, "press": "go:logout"})
    assert again.status_code == 200
    await asyncio.sleep(0.1)
    assert len(chat.screens) == shown + 1
    chat.sees("ask.national_id")


async def test_the_same_event_id_in_two_browsers_is_two_events(house: House) -> None:
    chats = [await house.somebody() for _ in range(2)]
    event = fresh(text="เข้าสู่ระบบ")
    for chat in chats:
        shown = len(chat.screens)
        await chat.client.post(messages(house), json=event)
        await chat.hears(shown + 1)
        chat.sees("ask.notice")


# --- the rest of the server ------------------------------------------------------------------------------------------

PATHS = (
    "/", "/chat", "/chat/", "/chat/static/", "/chat/static", "/chat/static/%00", "/chat/static/" + "a" * 300,
    "/chat/static/..%2f..%2fweb.py", "/chat/static/%2e%2e/%2e%2e/web.py", "/chat/static/....//web.py",
    "/chat/static/chat.css", "/chat/static/fonts", "/chat/people", "/chat/people/1/messages", "/chat/people/1/files",
    "/chat/people/1", "/chat/people//messages", "/mail", "/mail/messages", "/mail/messages/x/html", "/healthz",
    "/readyz", "/healthz/", "/metrics", "/.env", "/.git/config", "/kp7.db", "/docs", "/openapi.json", "/%ff",
    "//evil.example/%2e", "/chat?x=" + "a" * 9_000, "/chat/people/1/files?id=abcdefgh&name=", "/%F0%9F%99%82",
    "/chat%00",
)  # fmt: skip


async def test_every_path_and_method(house: House) -> None:
    """Also with a Host header that leads elsewhere."""
    chat = await house.somebody()
    before = await state(house)
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-for": "127.0.0.1"}
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        for path in PATHS:
            response = await chat.client.request(method, house.url + path, headers=headers, content=b"{}")
            assert response.status_code < 500, path
            assert "evil.example" not in response.headers.get("location", "") + response.text.replace(path, "")
            for name in ("content-security-policy", *HEADERS):
                assert name in response.headers, f"{method} {path}: {name}"
            if path.startswith(("/mail", "/.", "/kp7", "/docs", "/openapi")):
                assert response.status_code == 404
    assert await state(house) == before


MANGLED = {
    "an unknown method": b"BREW /chat HTTP/1.1\r\nhost: x\r\n\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + b"\r\n\r\n",
    "two lengths": b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx",
    "length and chunks": b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n"
    b"transfer-encoding: chunked\r\n\r\n0\r\n",
    "a negative length": b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
    "a length of 5,000 digits": b"POST /chat HTTP/1.1\r\nhost: x\r\ncontent-length: " + b"9" * 5_000 + b"\r\n\r\n",
    "a line break in a header": b"GET /chat HTTP/1.1\r\nhost: x\r\ncookie: a\rb\r\n\r\n",
    "a chunk too long": b"POST /chat HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    + b"f" * 40
    + b"\r\n\r\n",
}


async def test_what_is_not_http_gets_a_bare_refusal(house: House) -> None:
    chat = await house.somebody()
    before = await state(house)
    for what, request in MANGLED.items():
        reader, writer = await asyncio.open_connection("127.0.0.1", house.settings.port)
        writer.write(request)
        async with asyncio.timeout(10):
            answer = await reader.readline()
        writer.close()
        await writer.wait_closed()
        assert re.match(rb"HTTP/1.1 4\d\d ", answer), what
    assert await state(house) == before
    await chat.says("สวัสดี")


async def test_a_zipped_body_is_not_unzipped(house: House) -> None:
    chat = await house.somebody()
    body = gzip.compress(json.dumps(fresh(text="login")).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    assert_refused(await chat.client.post(messages(house), content=body, headers=headers))


async def test_a_crash_has_the_headers_too(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something nobody thought of: the answer is bare, and as locked down as any other."""
    assert house.kp7.web is not None

    async def broken(*_: object) -> list[int]:
        raise RuntimeError("1999900000013")

    chat = await house.somebody()
    monkeypatch.setattr(house.kp7.web, "_slots", broken)
    response = await chat.client.get(f"{house.url}/chat/people")
    assert response.status_code == 500
    assert "1999900000013" not in response.text
    assert "RuntimeError" not in response.text
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS


async def test_the_pages_bring_nothing_from_elsewhere(house: House) -> None:
    async with httpx.AsyncClient() as client:
        page = await client.get(f"{house.url}/chat")
    policy = page.headers["content-security-policy"]
    for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", page.text)
    assert "{{" not in page.text
    assert not re.search(r"<[^>]+\s(?:on\w+|style)=", page.text)


async def test_the_mailbox_is_for_the_demo_and_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codes stand in it: 404 for whoever is elsewhere."""
    monkeypatch.chdir(tmp_path)
    here, elsewhere = ("127.0.0.1", 1), ("203.0.113.9", 1)
    visits: tuple[tuple[tuple[str, int], str, dict[str, str], int], ...] = (
        (here, "localhost", {}, 200),
        (elsewhere, "localhost", {}, 404),
        (elsewhere, "localhost", {"x-forwarded-for": "127.0.0.1", "forwarded": "for=127.0.0.1"}, 404),
        (here, "localhost", {"x-forwarded-for": "203.0.113.9"}, 404),  # a proxy on this machine, a guest elsewhere
        (here, "rebound.evil.example", {}, 404),  # a page that made its name lead here
    )
    async with running(_settings(tmp_path, demo=True)) as kp7:
        for client, host, headers, status in visits:
            transport = httpx.ASGITransport(web_app(kp7), client=client)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as browser:
                for path in ("/mail", "/mail/messages"):
                    assert (await browser.get(path, headers=headers)).status_code == status
                assert (await browser.get("/mail/messages/none/html", headers=headers)).status_code == 404


async def test_files_of_strange_names_and_kinds_answer_nothing(house: House) -> None:
    """Where no question wants a file, none is kept."""
    chat = await house.somebody()
    await chat.logs_in(SOMCHAI.national_id, SOMCHAI.email)
    await chat.presses_data("go:profile")
    for name in (
        "a.pdf",
        "<script>alert(1)</script>.jpg",
        "../../etc/passwd",
        "a\x00b",
        "=cmd|'/c calc'!A1",
        "ก" * 255,
    ):
        shown = len(chat.screens)
        url = f"{house.url}/chat/people/1/files"
        params = {"id": str(uuid.uuid4()), "name": name}
        headers = {"content-type": "image/svg+xml"}
        response = await chat.client.post(url, params=params, content=b"%PDF-1.4 marker-of-a-file", headers=headers)
        assert response.status_code == 200
        await chat.hears(shown + 1)
        chat.sees("error.no_file_here")
    assert b"marker-of-a-file" not in on_disk(house)
    assert await rows(house, "SELECT * FROM files") == []


async def test_six_people_in_a_browser_and_no_seventh(house: House) -> None:
    chat = await house.somebody()
    for slot in range(2, 7):
        response = await chat.client.post(f"{house.url}/chat/people")
        assert response.json() == {"slot": slot}
        await _opens(chat, slot)
    assert_refused(await chat.client.post(f"{house.url}/chat/people"))


async def _opens(chat: Chat, slot: int) -> None:
    shown = len(chat.screens)
    assert (await chat.post({"open": True}, slot=slot)).status_code == 200
    await chat.hears(shown + 1)


async def test_a_house_without_web_chat_has_none(tmp_path: Path) -> None:
    async with a_house(tmp_path, samples=False, web_chat=False) as house, httpx.AsyncClient() as client:
        for path in ("/chat", "/chat/stream", "/chat/people", "/chat/static/chat.css", "/mail"):
            response = await client.get(house.url + path)
            assert response.status_code == 404
            assert_refused(response)
