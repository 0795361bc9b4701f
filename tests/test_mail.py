"""Mail, against a real server on loopback."""

import asyncio
import html
from collections.abc import AsyncIterator
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from bot.mail import Mailer
from bot.outbox import LEASE, Entry, Undelivered
from bot.settings import Settings
from bot.text import Texts
from bot.times import DAY
from storage.vault import Vault
from tests.house import PostOffice

TEXTS = Texts()
KEY, _ = Vault(b"a master key that is used in tests only").new_key()
TO = "somchai.t@example.go.th"


def row(**content: Any) -> Entry:
    params = {"code": "493817", "reference": "QK-WZ", "minutes": 5}
    given = {"to": TO, "language": "en", "text": "mail.code", "params": params, **content}
    return Entry.make("mail", "code", given, KEY, now=1_790_000_000_000, account_id="somchai")


def mailer(port: int = 25, **settings: Any) -> Mailer:
    given = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_tls": "none", "smtp_from": "kp7@example.go.th"}
    return Mailer(Settings(_env_file=None, **{**given, **settings}), TEXTS)


def parts(mail: EmailMessage) -> tuple[str, str]:
    plain, rich = mail.get_body(("plain",)), mail.get_body(("html",))
    assert isinstance(plain, EmailMessage)
    assert isinstance(rich, EmailMessage)
    return str(plain.get_content()), str(rich.get_content())


# --- composing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "says"), [("th", "รหัสยืนยันของท่านคือ"), ("en", "Your code is")])
def test_a_code_stands_alone_on_its_line_in_both_languages(language: str, says: str) -> None:
    mail = mailer().compose(row(language=language))
    plain, rich = parts(mail)
    assert says in plain
    assert says in rich
    assert "493817" in plain.splitlines()
    assert f'lang="{language}"' in rich
    assert "QK-WZ" in mail["Subject"]
    assert "493817" not in mail["Subject"], "a subject shows on a locked phone"
    assert (mail["To"], mail["From"].addresses[0].addr_spec) == (TO, "kp7@example.go.th")
    assert mail["Auto-Submitted"] == "auto-generated"


def test_the_same_row_makes_the_same_mail_however_often_it_is_tried() -> None:
    first = row()
    again = replace(first, attempts=3, due_at=first.due_at + LEASE + DAY)
    one, two = (mailer().compose(entry) for entry in (first, again))
    assert one["Message-ID"] == two["Message-ID"]
    assert dict(one.items()) | {"Content-Type": ""} == dict(two.items()) | {"Content-Type": ""}
    assert parts(one) == parts(two)
    assert mailer().compose(row())["Message-ID"] != one["Message-ID"]


def test_days_and_moments_are_written_in_words() -> None:
    params = {
        "masked": "sXXX@example.go.th",
        "day": "2026-11-21",
        "at": "2026-11-21T02:05:00+00:00",
        "date": "2026-11-22",
    }
    plain, _ = parts(mailer().compose(row(text="mail.registered", language="th", params=params)))
    assert "21 พฤศจิกายน 2569" in plain
    assert "22 พฤศจิกายน 2569" in plain
    assert "2026" not in plain
    assert "9:05" in plain or "09.05" in plain


def test_what_people_wrote_is_no_markup() -> None:
    odd = "<img src=x onerror=alert(1)>&\"'"
    plain, rich = parts(mailer().compose(row(params={"code": odd, "reference": "R", "minutes": 5})))
    assert odd in plain
    assert odd not in rich
    assert "<img" not in rich
    assert html.escape(odd) in rich


@pytest.mark.parametrize("field", ["to", "reference", "code", "minutes"])
@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\r\n\r\n"])
def test_no_value_can_add_a_header(field: str, break_: str) -> None:
    evil = f"x{break_}Bcc: thief@example.com"
    params = {"code": "493817", "reference": "QK-WZ", "minutes": 5}
    entry = row(to=TO + evil) if field == "to" else row(params={**params, field: evil})
    try:
        mail = mailer().compose(entry)
    except ValueError:
        return  # refused, which is fine: nothing goes out
    assert mail["Bcc"] is None
    assert b"\nBcc:" not in mail.as_bytes().partition(b"\n\n")[0]


@pytest.mark.parametrize("to", [f"{TO}, thief@example.com", f"{TO};thief@example.com", f"thief@example.com <{TO}>"])
def test_a_mail_goes_to_one_address(to: str) -> None:
    with pytest.raises(ValueError, match="addr"):
        mailer().compose(row(to=to))


# --- sending --------------------------------------------------------------------------------------------------------


class Office(PostOffice):
    """`data`: what it says to the next DATA; "" hangs up instead."""

    def __init__(self) -> None:
        super().__init__()
        self.data: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if not self.data:
            return await super().handle_DATA(server, session, envelope)
        answer = self.data.pop(0)
        if not answer:
            assert server.transport is not None
            server.transport.close()
            await asyncio.sleep(0)
        return answer or "421 gone"


Open = tuple[Office, int]


@pytest.fixture
async def office() -> AsyncIterator[Open]:
    loop = asyncio.get_running_loop()
    office = Office()
    server = await loop.create_server(lambda: SMTP(office, loop=loop), "127.0.0.1", 0)
    yield office, server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


async def refusal(entry: Entry, carrier: Mailer) -> Undelivered:
    with pytest.raises(Undelivered) as caught:
        await carrier.deliver(entry)
    assert TO not in caught.value.reason, "a reason is shown to operators"
    assert "493817" not in caught.value.reason
    return caught.value


async def test_a_mail_arrives(office: Open) -> None:
    post, port = office
    heard: list[EmailMessage] = []
    carrier = mailer(port)
    carrier._sent = heard.append
    entry = row(language="th")
    await carrier.deliver(entry)
    [mail] = post.mails
    assert mail["To"] == TO
    assert mail["Message-ID"] == f"<{entry.id}@example.go.th>"
    assert "493817" in post.text(mail).splitlines()
    assert [m["Message-ID"] for m in heard] == [mail["Message-ID"]]


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        ("421 4.3.2 shutting down", False),
        ("450 4.2.1 greylisted, somchai.t@example.go.th", False),
        ("452 4.2.2 mailbox full", False),
        ("550 5.1.1 no such mailbox somchai.t@example.go.th", True),
        ("553 5.1.3 not allowed", True),
    ],
)
@pytest.mark.parametrize("when", ["RCPT", "DATA"])
async def test_what_the_server_says_decides(office: Open, answer: str, permanent: bool, when: str) -> None:
    post, port = office
    (post.refusals if when == "RCPT" else post.data).append(answer)
    failed = await refusal(row(), mailer(port))
    assert failed.permanent is permanent
    assert answer[:3] in failed.reason
    assert post.mails == []
    await mailer(port).deliver(row())
    assert len(post.mails) == 1


async def test_hung_up_after_data_is_tried_again_with_the_same_message_id(office: Open) -> None:
    post, port = office
    post.data = [""]
    entry = row()
    assert not (await refusal(entry, mailer(port))).permanent
    await mailer(port).deliver(replace(entry, attempts=1))
    assert [mail["Message-ID"] for mail in post.mails] == [f"<{entry.id}@example.go.th>"]


async def test_nobody_listens(unused_tcp_port: int) -> None:
    assert not (await refusal(row(), mailer(unused_tcp_port))).permanent


async def test_a_server_that_says_nothing_is_given_up() -> None:
    release = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with asyncio.timeout(30):
            assert not (await refusal(row(), mailer(port, smtp_timeout_seconds=0.1))).permanent
    finally:
        release.set()
        server.close()
        await server.wait_closed()


async def test_a_server_without_tls_gets_nothing_where_tls_is_wanted(office: Open) -> None:
    post, port = office
    for tls in ("starttls", "tls"):
        carrier = mailer(port, smtp_tls=tls, smtp_timeout_seconds=1)
        assert not (await refusal(row(), carrier)).permanent
    assert post.mails == []


async def test_a_refused_login_is_for_the_operator_to_mend() -> None:
    loop = asyncio.get_running_loop()
    post = Office()

    def no(*_: Any) -> AuthResult:
        return AuthResult(success=False, handled=False)

    server = await loop.create_server(
        lambda: SMTP(post, loop=loop, authenticator=no, auth_require_tls=False), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    try:
        failed = await refusal(row(), mailer(port, smtp_username="kp7", smtp_password="wrong"))
    finally:
        server.close()
        await server.wait_closed()
    assert not failed.permanent
    assert "wrong" not in failed.reason
    assert post.mails == []
