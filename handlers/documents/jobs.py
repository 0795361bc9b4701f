"""What is done with papers after the turn: rows of the outbox, kind `papers`.

One lane a chat, so that an album stays in order. Purposes: `intake` (fetch what was announced, look at it, keep it),
`bind` (photos → one PDF), `stamp` (mark every page). Each writes what it made into the record itself, guarded by what
the record was when it began, and then tells the conversation.

Rows of the kind `looks` stand apart from them, as nobody waits for those: one a paper that was taken in, purpose `look`
(`looking.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from bot.outbox import Entry
from storage.vault import Key

KIND, LOOKS = "papers", "looks"
SOON_MS = 2_000  # what only has to wait for its turn, or for another job, is tried again so soon
Purpose = Literal["intake", "bind", "stamp"]


def stamp(
    *,
    person: str,
    campaign: str,
    slot: str,
    version: int,
    boxes: Sequence[Mapping[str, float]],
    account: Mapping[str, str],
    key: Key,
    now: int,
    answers: Mapping[str, str] | None = None,
    token: Mapping[str, Any] | None = None,
) -> Entry:
    """Stamp that version of a paper with the person's signature, after blacking out `boxes` ({page, left, top, width,
    height}: fractions of the page as it is shown). `account`: id, channel, external_id of the chat that hears of it.
    `answers`: flow, key, attempt of a step that waits for it; without it the open question is shown again. `token`:
    what `Context.hold` gave. The day of the mark is that of `now`, however long it takes."""
    content = {
        "person": person,
        "campaign": campaign,
        "slot": slot,
        "version": version,
        "boxes": [dict(box) for box in boxes],
        "at": now,
        "answers": dict(answers) if answers else None,
        "channel": account["channel"],
        "external_id": account["external_id"],
        **(token or {}),
    }
    return entry("stamp", content, key, account=account["id"], person=person, now=now)


def entry(purpose: Purpose, content: Mapping[str, Any], key: Key, *, account: str, person: str, now: int) -> Entry:
    """`key`: the person's."""
    lane = f"{KIND}:{account}"
    return Entry.make(KIND, purpose, content, key, now=now, account_id=account, person_id=person, lane=lane)


def look(person: str, campaign: str, slot: str, key: Key, now: int) -> Entry:
    """See whether the paper that is being made `now` says on each page that it is a true copy."""
    content = {"person": person, "campaign": campaign, "slot": slot, "at": now}
    return Entry.make(LOOKS, "look", content, key, now=now, person_id=person, lane=f"{LOOKS}:{person}:{slot}")
