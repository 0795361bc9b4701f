"""The mail server is down, slow, greylists, refuses, hangs up after it has the mail: everybody logs in all the same."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.house import PostOffice
from tests.kill import people
from tests.kill.driver import a_ward, seed_of

LENIENT: dict[str, Any] = {"code_resend_seconds": 1, "codes_per_hour": 100, "codes_per_day": 100}


def hang_up(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()


class Troubled(PostOffice):
    """`trouble`: down, slow, 421, 550; 450 and dropped, the first time for each address; or nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble = ""
        self.met = 0
        self._known: set[str] = set()

    def _seen(self, address: str) -> bool:
        known = address in self._known
        self._known.add(address)
        self.met += not known
        return known

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        if self.trouble == "slow":
            self.met += 1
            await asyncio.sleep(3)
        elif self.trouble == "down":
            self.met += 1
            hang_up(server)
        elif self.trouble == "421":
            self.met += 1
            return ["421 4.3.2 not now"]
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.trouble == "450" and not self._seen(address):
            return "450 4.2.1 come again"
        if self.trouble == "550":
            self.met += 1
            return "550 5.1.1 nobody here"
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        if self.trouble == "dropped" and not self._seen(envelope.rcpt_tos[0]):
            hang_up(server)
        return answer


@pytest.mark.timeout(300)
@pytest.mark.parametrize("trouble", ["down", "slow", "421", "450", "550", "dropped"])
async def test_everybody_logs_in_once_mail_comes_through_again(tmp_path: Path, trouble: str) -> None:
    post = Troubled()
    async with a_ward(tmp_path, seed_of(30), toy=False, post=post, smtp_timeout_seconds=1, unbounded=LENIENT) as ward:
        await people.load_roster(ward)
        await ward.start()
        logins = people.Logins(ward, people.roster()[:12], reads_after=4 if trouble == "dropped" else 0)
        post.trouble = trouble

        async def mends() -> None:
            await asyncio.sleep(6)
            if trouble not in ("450", "dropped"):  # whoever comes again gets through
                post.trouble = ""

        async with asyncio.TaskGroup() as group:
            for _ in range(12):
                group.create_task(logins.one_after_another())
            group.create_task(mends())
        await ward.settles()
        ward.check()
        people.check(ward, logins.all, again=trouble == "550")
        print(trouble, len(logins.all), "logins;", post.met, "times;", ward.record)
    assert post.met >= 12
    if trouble == "dropped":
        assert len(post.mails) == 24, "sent again, since nobody had said that it was taken"
    assert ward.record.duplicates == 0
