"""The mail server: everything that delivering a mail needs, up to the mail itself."""

from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import format_datetime, localtime, make_msgid

import aiosmtplib

from bot.doctor.finding import Case, Finding, Findings, ok, skipped, warning, wrong
from bot.doctor.reach import certificate, why
from bot.faults import is_here
from bot.settings import Settings


async def look(case: Case) -> Findings:
    s = case.settings
    if s.demo:
        yield skipped("The demo has a mail server of its own.")
        return
    for finding in _plausible(s):
        yield finding
    smtp = aiosmtplib.SMTP(
        hostname=s.smtp_host,
        port=s.smtp_port,
        use_tls=s.smtp_tls == "tls",
        start_tls=False,
        timeout=s.smtp_timeout_seconds,
    )
    to = case.mail_to or s.smtp_from
    try:
        async for finding in _conversation(smtp, s, to):
            yield finding
        if case.mail_to:
            await smtp.data(_test_mail(s, to).as_bytes())
            yield ok(f"It has taken a test mail to {to}: look whether it arrives, and not among the spam.")
        else:
            await smtp.rset()
            yield ok(f"{s.smtp_host}:{s.smtp_port} would take a mail from {s.smtp_from}.")
        await smtp.quit()
    except (aiosmtplib.SMTPException, OSError) as error:
        yield _fault(error, s, to)
    finally:
        smtp.close()


def _plausible(s: Settings) -> Iterator[Finding]:
    if s.smtp_tls == "none" and not is_here(s.smtp_host):
        yield warning(
            f"Mails, with the codes in them, go to {s.smtp_host} unencrypted.",
            "Set SMTP_TLS=starttls (port 587 or 25) or SMTP_TLS=tls (port 465).",
        )
    if s.smtp_username and not s.smtp_password:
        yield warning("SMTP_USERNAME is set, but SMTP_PASSWORD is not.", "Set both, or neither.")


async def _conversation(smtp: aiosmtplib.SMTP, s: Settings, to: str) -> Findings:
    """Each line as delivering has it (`bot.mail`), the mail itself excepted."""
    await smtp.connect()
    if s.smtp_tls == "starttls":
        await smtp.starttls()
    for finding in certificate(s.smtp_host, smtp.get_transport_info("peercert")):
        yield finding
    if s.smtp_username:
        await smtp.login(s.smtp_username, s.smtp_password)
    await smtp.mail(s.smtp_from)
    await smtp.rcpt(to)


def _test_mail(s: Settings, to: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "KP7: test mail / ทดสอบการส่งอีเมล"
    message["From"], message["To"] = s.smtp_from, to
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = make_msgid(domain=s.smtp_from.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("KP7 can send mail. / KP7 ส่งอีเมลได้แล้วค่ะ\n")
    return message


def _fault(error: Exception, s: Settings, to: str) -> Finding:
    """The reply codes only: servers put addresses, and some what was sent, into their words."""
    where = f"{s.smtp_host}:{s.smtp_port}"
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return wrong(f"{where} refuses the login ({error.code}).", "Check SMTP_USERNAME and SMTP_PASSWORD.")
        case aiosmtplib.SMTPSenderRefused():
            return wrong(
                f"{where} refuses {s.smtp_from} as a sender ({error.code}).",
                "Set SMTP_FROM to an address that this login may send from.",
            )
        case aiosmtplib.SMTPRecipientRefused() if error.code < 500:
            return warning(
                f"{where} does not take mail to {to} at the moment ({error.code}).",
                "If that is greylisting it passes in minutes: run this again. Ask for an exception for this machine.",
            )
        case aiosmtplib.SMTPRecipientRefused():
            return wrong(
                f"{where} refuses mail to {to} ({error.code}).",
                "Ask whoever runs it to let this machine, or this login, send mail to others.",
            )
        case aiosmtplib.SMTPException() if "AUTH extension" in str(error):
            return wrong(
                f"{where} offers no login.", "Leave SMTP_USERNAME empty, or use the port for logged-in mail, 587."
            )
        case aiosmtplib.SMTPException() if "STARTTLS" in str(error):
            return wrong(
                f"{where} offers no STARTTLS.",
                "Use port 587, or SMTP_TLS=tls with port 465; SMTP_TLS=none as a last resort.",
            )
        case aiosmtplib.SMTPTimeoutError() | TimeoutError():
            return wrong(
                f"{where} gives no answer in time.",
                "Check SMTP_HOST, SMTP_PORT and the firewall; a port that speaks TLS at once (465) needs SMTP_TLS=tls.",
            )
        case aiosmtplib.SMTPResponseException():
            return wrong(f"{where} answers {error.code}.", "Ask whoever runs it what that is about.")
    return wrong(f"{where}: {why(error)}.", "Check SMTP_HOST, SMTP_PORT, SMTP_TLS and the firewall.")
