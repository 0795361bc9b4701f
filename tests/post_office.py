"""A mail server, and the mails that it took."""

import asyncio
import email
import email.policy
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

PATIENCE = 30.0  # seconds until a message that does not come is a failure


class PostOffice:
    """A mail server that keeps what it took. `answer`: what it says to the next DATA, RCPT instead of taking it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refusals: list[str] = []
        self.arrived = asyncio.Event()

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.arrived.set()
        return "250 taken"

    async def mail_to(self, address: str, *, after: int = 0) -> EmailMessage:
        """The newest mail to that address, waiting for one if there is none beyond the first `after`."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = [mail for mail in self.mails[after:] if mail["to"] == address]
                if found:
                    return found[-1]
                self.arrived.clear()
                await self.arrived.wait()

    def text(self, mail: EmailMessage, kind: str = "plain") -> str:
        part = mail.get_body((kind,))
        assert isinstance(part, EmailMessage)
        return str(part.get_content()).replace("\r\n", "\n")
