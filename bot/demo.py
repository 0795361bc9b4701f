"""What `make run` adds, so that anyone can try the bot without an account: a key, a mail server, a mailbox, a roster.

None of it exists outside the demo: the mailbox shows codes, and it answers only this machine.
"""

import asyncio
import base64
import email
import email.policy
import mailbox
import os
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.channels.web import STATIC, fill
from bot.health import from_here
from bot.http import language_of
from bot.settings import Settings
from bot.text import Texts

FOLDER = Path("var")
SAMPLES = Path(__file__).resolve().parent.parent / "samples"
SHOWN = 100
OFFICER = "1999900000021"  # Malee, who acts for HR there


def settings(given: Settings) -> Settings:
    """Fill in what the demo makes for itself; whatever the operator has set stays."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    made: dict[str, Any] = {"web_chat": True}
    if not given.master_key:
        made["master_key"] = _key(FOLDER / "demo.key")
    if "database_url" not in given.model_fields_set:
        made["database_url"] = f"sqlite:///{FOLDER}/demo.db"
    if "card_verifier" not in given.model_fields_set:
        made["card_verifier"] = "roster"
    if not given.smtp_from:
        made["smtp_from"] = "kp7@example.go.th"
    if not given.smtp_host:
        made |= {"smtp_host": "127.0.0.1", "smtp_tls": "none"}
    return given.model_copy(update=made)


def _key(path: Path) -> str:
    if not path.exists():
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            file.write(base64.b64encode(os.urandom(32)).decode())
    return path.read_text().strip()


class _Sink:
    """The demo's mail server takes everything and forgets it: what was sent is kept by whoever sent it."""

    async def handle_DATA(self, *_: object) -> str:
        return "250 taken"


async def mail_server() -> tuple[asyncio.Server, int]:
    """A real SMTP server on a free port of this machine."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(_Sink(), hostname="kp7.example", loop=loop), "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


class Mailbox:
    """What was mailed, kept over a restart, and the page that shows it."""

    def __init__(self, texts: Texts, folder: Path = FOLDER / "mail") -> None:
        self._texts = texts
        self._box = mailbox.Maildir(folder, create=True)

    def add(self, message: EmailMessage) -> None:
        self._box.add(message)

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/mail", self._page),
            Route("/mail/messages", self._list),
            Route("/mail/messages/{id}/html", self._html),
        ]

    def _messages(self) -> Sequence[tuple[str, EmailMessage]]:
        found = []
        for key in self._box.keys():  # noqa: SIM118  a mailbox is not a dict
            message = email.message_from_bytes(self._box.get_bytes(key), policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            found.append((key, message))
        return sorted(found, key=lambda item: _sent_at(item[1]), reverse=True)[:SHOWN]

    async def _page(self, request: Request) -> Response:
        if not from_here(request):
            return Response(status_code=404)
        page = (STATIC / "mail.html").read_text("utf-8")
        return HTMLResponse(fill(page, self._texts, language_of(request), demo=True))

    async def _list(self, request: Request) -> Response:
        if not from_here(request):
            return Response(status_code=404)
        shown = [
            {
                "id": key,
                "to": str(message["to"]),
                "subject": str(message["subject"]),
                "at": _sent_at(message),
                "text": _part(message, "plain"),
                "html": _part(message, "html"),
            }
            for key, message in self._messages()
        ]
        return JSONResponse({"messages": shown})

    async def _html(self, request: Request) -> Response:
        found = dict(self._messages()).get(request.path_params["id"]) if from_here(request) else None
        if found is None:
            return Response(status_code=404)
        policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
        headers = {"content-security-policy": policy, "x-frame-options": "SAMEORIGIN"}
        return HTMLResponse(_part(found, "html"), headers=headers)


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if isinstance(part, EmailMessage) else ""


def _sent_at(message: EmailMessage) -> int:
    return int(parsedate_to_datetime(str(message["date"])).timestamp() * 1000)
