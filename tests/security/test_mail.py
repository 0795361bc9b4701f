"""Codes when the mail server is down, slow, undecided or refuses for good."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from tests.cast import MALEE, SOMCHAI
from tests.house import House, PostOffice, a_house
from tests.security.tools import rows


class Trouble(PostOffice):
    """A mail server that can be switched off. `answers`: what it does with the next mails instead of taking them."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[str] = []
        self.tried = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        self.tried += 1
        answer = self.answers.pop(0) if self.answers else ""
        if answer == "slow":
            await asyncio.sleep(1.5)
        if answer == "drop":
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if answer == "take and drop":
            await super().handle_DATA(server, session, envelope)
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if answer:
            return answer if answer[0].isdigit() else "451 never mind"
        return await super().handle_DATA(server, session, envelope)

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, loop=loop), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        assert self._server is not None
        self._server.close()


@asynccontextmanager
async def a_house_with(post: Trouble, folder: Path) -> AsyncIterator[House]:
    await post.open()
    async with a_house(folder, smtp_port=post.port, smtp_timeout_seconds=0.5) as house:
        house.post = post
        try:
            yield house
        finally:
            post.shut()


@pytest.fixture
async def post() -> Trouble:
    return Trouble()


@pytest.fixture
async def village(tmp_path: Path, post: Trouble) -> AsyncIterator[House]:
    async with a_house_with(post, tmp_path) as house:
        yield house


async def waiting(house: House, kind: str = "mail") -> list[dict[str, Any]]:
    """Mails that wait, once the first attempt has failed."""
    async with asyncio.timeout(10):
        while not (found := await rows(house, f"SELECT * FROM outbox WHERE kind = '{kind}' AND attempts > 0")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return found


async def code_of(house: House, row: dict[str, Any]) -> str:
    """The code in a mail that has not been sent."""
    vault = house.kp7.vault
    wrapped = (await rows(house, "SELECT wrapped FROM keys WHERE id = :id", id=row["key_id"]))[0]["wrapped"]
    return str(vault.unwrap(row["key_id"], wrapped).open(row["body"], "outbox", row["id"], "body")["params"]["code"])


@pytest.mark.parametrize("trouble", ["450 greylisted", "421 too busy", "451 try again", "slow", "drop"])
async def test_trouble_for_now_means_the_same_code_a_little_later(village: House, post: Trouble, trouble: str) -> None:
    post.answers = [trouble]
    chat = await village.somebody()
    await chat.begins(SOMCHAI.national_id)
    chat.sees("ask.code")
    written = await code_of(village, (await waiting(village))[0])
    village.clock.forward(seconds=3)
    assert await village.code_for(SOMCHAI.email) == written
    await chat.says(written)
    chat.sees("ask.group")
    assert post.tried == 2


async def test_a_server_that_is_down_and_comes_back(village: House, post: Trouble) -> None:
    post.shut()
    chat = await village.somebody()
    await chat.begins(SOMCHAI.national_id)
    row = (await waiting(village))[0]
    await village.restart()
    await post.open()
    village.clock.forward(seconds=10)
    assert await village.code_for(SOMCHAI.email) == await code_of(village, row)


async def test_a_mail_that_was_taken_without_a_word_is_harmless(village: House, post: Trouble) -> None:
    """The line breaks after DATA: the person has the code and uses it, and no second mail follows."""
    post.answers = ["take and drop"]
    chat = await village.somebody()
    await chat.begins(SOMCHAI.national_id)
    code = await village.code_for(SOMCHAI.email)
    await waiting(village)
    await chat.says(code)
    chat.sees("ask.group")
    assert await rows(village, "SELECT 1 FROM outbox WHERE purpose = 'code'") == []
    village.clock.forward(seconds=10)
    await asyncio.sleep(0.7)
    assert post.tried == 1


async def test_a_repeat_is_the_same_mail(village: House, post: Trouble) -> None:
    post.answers = ["take and drop"]
    chat = await village.somebody()
    await chat.begins(SOMCHAI.national_id)
    await waiting(village)
    village.clock.forward(seconds=3)
    async with asyncio.timeout(10):
        while len(post.mails) < 2:
            post.arrived.clear()
            await post.arrived.wait()
    first, second = post.mails
    assert first["message-id"] == second["message-id"]
    assert post.text(first) == post.text(second)


@pytest.mark.parametrize("answer", ["550 no such user", "552 mailbox full", "554 spam"])
async def test_a_refusal_for_good_is_told_in_the_chat(village: House, post: Trouble, answer: str) -> None:
    chat = await village.somebody()
    post.refusals = [answer]
    shown = len(chat.screens)
    await chat.taps("menu.login")
    await chat.taps("choice.acknowledge")
    await chat.says(SOMCHAI.national_id)
    await chat.hears(shown + 4)
    texts = [screen.text for screen in chat.screens]
    assert any("ส่งรหัสยืนยันไปยังอีเมลของท่านไม่สำเร็จ" in text for text in texts)
    dead = await rows(village, "SELECT body, reason FROM outbox WHERE dead_at IS NOT NULL")
    assert [row["body"] for row in dead] == [""]
    assert "somchai" not in str(dead)
    village.clock.forward(seconds=61)
    await chat.presses_data(next(s for s in chat.screens if "ขอรหัสยืนยันใหม่" in s.labels).data("ขอรหัสยืนยันใหม่"))
    await chat.says(await village.code_for(SOMCHAI.email))
    chat.sees("ask.group")


async def test_a_server_that_stays_away_is_told_when_the_code_runs_out(village: House, post: Trouble) -> None:
    post.shut()
    chat = await village.somebody()
    await chat.begins(SOMCHAI.national_id)
    await waiting(village)
    shown = len(chat.screens)
    village.clock.forward(minutes=5, seconds=1)
    await chat.hears(shown + 1)
    chat.sees("notice.code_undelivered")
    assert await rows(village, "SELECT body FROM outbox WHERE dead_at IS NOT NULL") == [{"body": ""}]
    await post.open()


async def test_an_unsent_code_is_erased_when_another_is_asked_for(village: House, post: Trouble) -> None:
    post.answers = ["450 later"]
    chat = await village.somebody()
    await chat.begins(SOMCHAI.national_id)
    old = await code_of(village, (await waiting(village))[0])
    village.clock.forward(seconds=61)
    post.answers = ["450 later"] * 2
    await chat.taps("choice.resend")
    async with asyncio.timeout(10):
        while not (left := await rows(village, "SELECT * FROM outbox WHERE purpose = 'code'")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert len(left) == 1
    post.answers = []
    village.clock.forward(seconds=10)
    new = await village.code_for(SOMCHAI.email)
    assert len(post.mails) == 1
    if new != old:
        await chat.says(old)
        chat.sees("error.code_wrong")
    await chat.says(new)
    chat.sees("ask.group")


async def test_one_mailbox_in_trouble_does_not_hold_up_another(village: House, post: Trouble) -> None:
    """Malee's old mailbox answers 450 for hours; her next code goes to the new one, also after a hiccup."""
    malee = await village.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await malee.taps("menu.change_email")
    for _ in range(2):
        await malee.says("malee.new@example.com")
    await malee.taps("choice.save")
    code = await village.code_for("malee.new@example.com")
    refuse_old(post)
    await malee.says(code)
    malee.sees("register.saved")
    await waiting(village)
    village.clock.forward(minutes=6)
    post.answers = ["450 a hiccup"]
    mailed = len(post.mails)
    await malee.taps("menu.change_email")
    for _ in range(2):
        await malee.says("malee.third@example.com")
    await malee.taps("choice.save")
    async with asyncio.timeout(10):
        while not await rows(village, "SELECT 1 FROM outbox WHERE purpose = 'code' AND attempts > 0"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    village.clock.forward(seconds=3)
    await malee.says(await asyncio.wait_for(village.code_for("malee.new@example.com", after=mailed), 4))
    malee.sees("ask.code")


def refuse_old(post: Trouble) -> None:
    async def rcpt(_server: SMTP, _session: Any, envelope: Any, address: str, _options: list[str]) -> str:
        if address == MALEE.email:
            return "450 busy"
        envelope.rcpt_tos.append(address)
        return "250 fine"

    post.handle_RCPT = rcpt  # type: ignore[method-assign]
