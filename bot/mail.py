"""Mail: catalogue texts to a message with a plain and an HTML part, and SMTP. A carrier of the outbox."""

import datetime as dt
import html
from collections.abc import Callable
from contextlib import suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from typing import Any

import aiosmtplib

from bot.outbox import Entry, Undelivered
from bot.settings import Settings
from bot.text import Texts
from storage.ids import time_of

# What the server says of this message or this address; anything else 5xx (a refused login, say) is for the operator to
# mend, and the mail waits.
_ABOUT_THE_MESSAGE = (
    aiosmtplib.SMTPRecipientRefused,
    aiosmtplib.SMTPSenderRefused,
    aiosmtplib.SMTPDataError,
)


class Mailer:
    """`sent` hears of every mail that the server took (the demo's mailbox page listens)."""

    def __init__(self, settings: Settings, texts: Texts, sent: Callable[[EmailMessage], None] | None = None) -> None:
        self._settings, self._texts, self._sent = settings, texts, sent

    async def deliver(self, entry: Entry) -> None:
        """`entry.content`: to, language, text (catalogue key of `.subject` and `.body`), params."""
        s = self._settings
        message = self.compose(entry)
        try:
            await aiosmtplib.send(
                message,
                hostname=s.smtp_host,
                port=s.smtp_port,
                username=s.smtp_username or None,
                password=s.smtp_password or None,
                use_tls=s.smtp_tls == "tls",
                start_tls=s.smtp_tls == "starttls",
                timeout=s.smtp_timeout_seconds,
            )
        except aiosmtplib.SMTPException as error:
            raise Undelivered(_reason(error), permanent=_permanent(error)) from None
        except OSError as error:
            raise Undelivered(f"mail server unreachable ({type(error).__name__})") from None
        if self._sent:
            self._sent(message)

    def compose(self, entry: Entry) -> EmailMessage:
        """The same row makes the same message, so a repeat carries the same code and the same Message-ID."""
        content = entry.content
        language, text = content["language"], content["text"]
        params = {name: self._value(value) for name, value in content["params"].items()}
        message = EmailMessage()
        message["Subject"] = self._texts(language, f"{text}.subject", params)
        message["From"] = formataddr((self._texts(language, "mail.sender"), self._settings.smtp_from))
        message["To"] = Address(addr_spec=content["to"])  # one address, whatever it looks like
        made = dt.datetime.fromtimestamp(time_of(entry.id) / 1000, dt.UTC)
        message["Date"] = format_datetime(made)
        message["Message-ID"] = f"<{entry.id}@{self._settings.smtp_from.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # out-of-office replies stay away (RFC 3834)
        message["Content-Language"] = language
        body = self._texts(language, f"{text}.body", params)
        footer = self._texts(language, "mail.footer")
        message.set_content(f"{body}\n\n-- \n{footer}\n")
        message.add_alternative(_html(body, footer, language, str(content["params"].get("code", ""))), subtype="html")
        return message

    @staticmethod
    def _value(value: Any) -> object:
        """Rows hold JSON; what looks like a day or a moment is one, and is written in words."""
        if isinstance(value, str) and "-" in value:  # eight digits alone may be a code
            for read in (dt.date.fromisoformat, dt.datetime.fromisoformat):
                with suppress(ValueError):
                    return read(value)
        return value


def _permanent(error: aiosmtplib.SMTPException) -> bool:
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(_permanent(one) for one in error.recipients)
    return isinstance(error, _ABOUT_THE_MESSAGE) and error.code >= 500


def _reason(error: aiosmtplib.SMTPException) -> str:
    """The reply code, not its text: servers repeat the address in it."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return f"mail server refused the address ({error.recipients[0].code})"
    if "STARTTLS" in str(error):
        return "mail server offers no STARTTLS (see SMTP_TLS)"
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"mail server answered {error.code}"
    return f"mail server: {type(error).__name__}"


def _html(body: str, footer: str, language: str, code: str) -> str:
    paragraphs = []
    for paragraph in body.split("\n\n"):
        words = html.escape(paragraph).replace("\n", "<br>")
        style = "margin:0 0 16px"
        if code and paragraph.strip() == code:
            style = "margin:0 0 16px;font-size:32px;font-weight:bold;letter-spacing:6px;font-family:monospace"
        paragraphs.append(f'<p style="{style}">{words}</p>')
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"></head>'
        '<body style="margin:0;padding:24px;background:#f4f6f8">'
        '<div style="max-width:520px;margin:0 auto;padding:24px;background:#fff;border-radius:12px;'
        'font-family:Sarabun,Tahoma,sans-serif;font-size:17px;line-height:1.7;color:#1b2733">'
        f"{''.join(paragraphs)}"
        '<p style="margin:24px 0 0;padding-top:12px;border-top:1px solid #dde3e9;font-size:14px;color:#5a6772">'
        f"{html.escape(footer).replace(chr(10), '<br>')}</p></div></body></html>"
    )
