"""Links from a chat to a page of ours that is for one person, and about one thing of theirs.

1. `open_link`: in the turn that shows the button. The address holds a token, the table only its blind index. `purpose`
   says which page it opens: it opens no other.
2. `bind`: the first browser that presses the button on the page has the link for itself. Looking at it binds nothing:
   what reads links in chats (previews, scanners) looks at them.
3. `find`: what the link leads to, for as long as the chat's session lives, and for its minutes at most.
4. `consume`: once, in the transaction that does what it was for.
5. `receipt`: what the browser that has used it is given in place of its cookie, so that it alone can be told so.

Each row bears a MAC over what it says, and another over the browser it is bound to: whoever writes the database makes
no link, and puts no other browser or address on somebody's.

What is no link (any more) is None or False, whatever the reason: nobody learns which.
"""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.events import Language
from bot.session import Limits
from bot.settings import Settings
from bot.times import MINUTE
from bot.topic import Context
from storage import chats
from storage.database import Tx
from storage.macs import fits, mac
from storage.vault import Vault

MINUTES = 30
_TOKEN = re.compile(r"[0-9A-Za-z_-]{43}")
_BOUND = ("id", "account_id", "person_id", "link_session", "purpose", "about", "made_at", "expires_at")
_LINK = """
SELECT l.id, l.account_id, l.person_id, l.session AS link_session, l.purpose, l.about, l.browser, l.browser_mac,
       l.made_at, l.expires_at, l.mac, a.channel, a.external_id, a.key_id, a.session, a.session_at, a.seen_at,
       a.shared, a.language
FROM page_links l JOIN accounts a ON a.id = l.account_id AND a.person_id = l.person_id WHERE l.id = :id
"""


@dataclass(frozen=True)
class Link:
    """`account`: id, channel and external_id of the chat. `browser`: blind index of what it proves itself by."""

    id: str
    account: Mapping[str, str]
    person_id: str
    about: Mapping[str, Any]
    language: Language
    browser: str | None


async def open_link(
    context: Context, prefix: str, purpose: str, about: Mapping[str, Any], *, minutes: int = MINUTES
) -> str:
    """→ the path of a page for this person, `prefix`/token. Older links to the same that nobody has opened lead nowhere
    from now on. `about`: small JSON, ids and codes only."""
    visitor, vault, now = context.visitor, context.vault, context.now
    if visitor.person_id is None or visitor.session is None:
        raise ValueError("a link for nobody")
    token = secrets.token_urlsafe(32)
    row = {
        "id": vault.index("page_link", token),
        "account_id": visitor.id,
        "person_id": visitor.person_id,
        "link_session": vault.index("page_session", visitor.session),
        "purpose": purpose,
        "about": json.dumps(about, sort_keys=True),
        "made_at": now,
        "expires_at": now + minutes * MINUTE,
    }
    await context.tx.run(
        "DELETE FROM page_links WHERE account_id = :account_id AND purpose = :purpose AND about = :about "
        "AND browser IS NULL",
        row,
    )
    await context.tx.run(
        "INSERT INTO page_links (id, account_id, person_id, session, purpose, about, made_at, expires_at, mac) "
        "VALUES (:id, :account_id, :person_id, :link_session, :purpose, :about, :made_at, :expires_at, :mac)",
        {**row, "mac": mac(*_sealed(vault, row))},
    )
    return f"{prefix}/{token}"


def id_of(vault: Vault, token: str) -> str | None:
    return vault.index("page_link", token) if _TOKEN.fullmatch(token) else None


async def find(
    tx: Tx, vault: Vault, settings: Settings, id: str, now: int, *, purpose: str, lock: bool = False
) -> Link | None:
    """`lock`: the session does not end before this transaction does."""
    row = await tx.one(f"{_LINK} FOR UPDATE OF a" if lock else _LINK, {"id": id})
    if row is None or row["purpose"] != purpose or not _genuine(vault, row) or not _lives(vault, settings, row, now):
        return None
    account = {"id": row["account_id"], "channel": row["channel"], "external_id": row["external_id"]}
    return Link(id, account, row["person_id"], json.loads(row["about"]), row["language"], row["browser"])


def _genuine(vault: Vault, row: Mapping[str, Any]) -> bool:
    """Was this link made, and bound, by KP7?"""
    bound = row["browser"] is None or fits(row["browser_mac"], *_sealed_browser(vault, row["id"], row["browser"]))
    return bound and fits(row["mac"], *_sealed(vault, row))


def _sealed(vault: Vault, row: Mapping[str, Any]) -> tuple[bytes, *tuple[object, ...]]:
    return (vault.secret("page_links"), *(row[column] for column in _BOUND))


def _sealed_browser(vault: Vault, id: str, browser: str) -> tuple[bytes, *tuple[object, ...]]:
    return (vault.secret("page_links"), id, browser)


def _lives(vault: Vault, settings: Settings, row: Mapping[str, Any], now: int) -> bool:
    if not row["made_at"] <= now < row["expires_at"] or row["session"] is None:
        return False
    limits = Limits.of(settings, row["channel"], shared=bool(row["shared"]))
    return (
        row["link_session"] == vault.index("page_session", row["session"])
        and not limits.over(row["seen_at"], row["session_at"], now)
        and chats.genuine(vault, {**row, "id": row["account_id"]})
    )


async def bind(tx: Tx, vault: Vault, link: Link, browser: str) -> bool:
    """False: another browser has it."""
    bound = await tx.run(
        "UPDATE page_links SET browser = :browser, browser_mac = :mac WHERE id = :id AND browser IS NULL",
        {"id": link.id, "browser": browser, "mac": mac(*_sealed_browser(vault, link.id, browser))},
    )
    return bound == 1


async def consume(tx: Tx, link: Link) -> bool:
    """False: somebody else was first."""
    gone = await tx.run(
        "DELETE FROM page_links WHERE id = :id AND browser = :browser", {"id": link.id, "browser": link.browser}
    )
    return gone == 1


def receipt(vault: Vault, link: Link) -> str:
    """For a cookie: this link was used, from a chat of that kind and language. It opens nothing."""
    words = (link.account["channel"], link.language)
    return ".".join((*words, mac(*_sealed_receipt(vault, link.id, *words))))


def used(vault: Vault, id: str, receipt: str) -> tuple[str, Language] | None:
    """→ channel and language of the chat, if it is a receipt for this link"""
    match receipt.split("."):
        case [channel, ("th" | "en") as language, given] if fits(given, *_sealed_receipt(vault, id, channel, language)):
            return channel, language
    return None


def _sealed_receipt(vault: Vault, id: str, channel: str, language: str) -> tuple[bytes, *tuple[object, ...]]:
    return (vault.secret("page_links"), "used", id, channel, language)
