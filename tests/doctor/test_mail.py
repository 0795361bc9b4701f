"""The mail server, a real one each time, ill in one way each time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from bot.doctor import mail
from tests.certificates import Authority
from tests.doctor.patients import PASSWORD, case, findings, is_well, the_fault
from tests.house import PostOffice
from tests.served import free_port


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))
    return made


@asynccontextmanager
async def a_server(post: PostOffice | None = None, *, tls: Any = None, **options: Any) -> AsyncIterator[int]:
    """→ its port. `tls`: a context to speak TLS with from the first byte."""
    loop = asyncio.get_running_loop()
    made = loop.create_server(lambda: SMTP(post or PostOffice(), loop=loop, **options), "127.0.0.1", 0, ssl=tls)
    async with await made as server:
        yield server.sockets[0].getsockname()[1]


def knows_the_password(_server: SMTP, _session: Session, _envelope: Envelope, _way: str, data: Any) -> AuthResult:
    return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


async def test_everything_but_the_mail_itself(tmp_path: Path) -> None:
    post = PostOffice()
    async with a_server(post) as port:
        assert "would take a mail from kp7@example.go.th" in await is_well(mail.look, case(tmp_path, smtp_port=port))
    assert post.mails == []


async def test_one_mail_if_asked_for(tmp_path: Path) -> None:
    post = PostOffice()
    async with a_server(post) as port:
        await is_well(mail.look, case(tmp_path, smtp_port=port, mail_to="operator@example.go.th"))
    (letter,) = post.mails
    assert (letter["to"], letter["from"]) == ("operator@example.go.th", "kp7@example.go.th")
    assert "ทดสอบ" in letter["subject"]


@pytest.mark.parametrize("way", ["starttls", "tls"])
async def test_over_tls_with_a_login(tmp_path: Path, authority: Authority, way: str) -> None:
    context = authority.issue()
    more = {"tls_context": context} if way == "starttls" else {"tls": context, "auth_require_tls": False}
    async with a_server(authenticator=knows_the_password, **more) as port:
        login: dict[str, Any] = {"smtp_username": "kp7", "smtp_password": PASSWORD, "smtp_tls": way, "smtp_port": port}
        await is_well(mail.look, case(tmp_path, **login))
        fault = await the_fault(mail.look, case(tmp_path, **{**login, "smtp_password": "guess"}))
    assert "refuses the login (535)" in fault.says
    assert fault.mend == "Check SMTP_USERNAME and SMTP_PASSWORD."


async def test_a_certificate_that_ends_soon(tmp_path: Path, authority: Authority) -> None:
    async with a_server(tls_context=authority.issue(days=7.5)) as port:
        fault = await the_fault(mail.look, case(tmp_path, smtp_port=port, smtp_tls="starttls"))
    assert (fault.level, fault.says) == ("warning", "The certificate of 127.0.0.1 ends in 7 days.")


async def test_a_certificate_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    stranger = Authority(tmp_path / "elsewhere")
    async with a_server(tls_context=stranger.issue()) as port:
        fault = await the_fault(mail.look, case(tmp_path, smtp_port=port, smtp_tls="starttls"))
    assert "its certificate is not trusted" in fault.says


async def test_no_starttls(tmp_path: Path) -> None:
    async with a_server() as port:
        fault = await the_fault(mail.look, case(tmp_path, smtp_port=port, smtp_tls="starttls"))
    assert "offers no STARTTLS" in fault.says
    assert "SMTP_TLS=tls" in fault.mend


async def test_tls_where_none_is_spoken(tmp_path: Path) -> None:
    async with a_server() as port:
        fault = await the_fault(mail.look, case(tmp_path, smtp_port=port, smtp_tls="tls"))
    assert "does not speak TLS" in fault.says


async def test_silence_where_tls_is_spoken_from_the_first_byte(tmp_path: Path, authority: Authority) -> None:
    async with a_server(tls=authority.issue()) as port:
        patient = case(tmp_path, smtp_port=port, smtp_tls="starttls", smtp_timeout_seconds=0.3)
        fault = await the_fault(mail.look, patient)
    assert "gives no answer in time" in fault.says
    assert "SMTP_TLS=tls" in fault.mend


async def test_no_login_is_offered(tmp_path: Path) -> None:
    async with a_server() as port:
        fault = await the_fault(mail.look, case(tmp_path, smtp_port=port, smtp_username="kp7", smtp_password=PASSWORD))
    assert "offers no login" in fault.says


async def test_nobody_listens(tmp_path: Path) -> None:
    fault = await the_fault(mail.look, case(tmp_path, smtp_port=free_port()))
    assert "nothing listens there" in fault.says


async def test_a_name_that_leads_nowhere(tmp_path: Path) -> None:
    found = await findings(mail.look, case(tmp_path, smtp_host="mail.invalid", smtp_tls="starttls"))
    assert [finding.level for finding in found] == ["wrong"]
    assert "mail.invalid:25: " in found[0].says


@pytest.mark.parametrize(("answer", "level"), [("450 4.2.0 greylisted", "warning"), ("550 5.7.1 no relaying", "wrong")])
async def test_recipients_are_refused(tmp_path: Path, answer: str, level: str) -> None:
    post = PostOffice()
    post.refusals = [answer]
    async with a_server(post) as port:
        fault = await the_fault(mail.look, case(tmp_path, smtp_port=port))
    assert fault.level == level
    assert answer[:3] in fault.says


class Choosy(PostOffice):
    async def handle_MAIL(self, *_: Any) -> str:
        return "553 not yours"


async def test_the_sender_is_refused(tmp_path: Path) -> None:
    async with a_server(Choosy()) as port:
        fault = await the_fault(mail.look, case(tmp_path, smtp_port=port))
    assert "refuses kp7@example.go.th as a sender (553)" in fault.says


async def test_unencrypted_mail_is_warned_of(tmp_path: Path) -> None:
    found = await findings(mail.look, case(tmp_path, smtp_host="mail.invalid", smtp_tls="none"))
    assert found[0].level == "warning"
    assert "unencrypted" in found[0].says
