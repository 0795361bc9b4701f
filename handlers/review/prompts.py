"""Officers hear in their chats that something waits: one item as a card, several as one digest.

What was asked for after an officer was last told (`prompts.upto`) is told, at most every `prompt_minutes`, from
`quiet_until_hour` to `QUIET_FROM`, to whoever is not away. It costs by what waits: nothing new, one query; else the
officers of the units where something is new, who are looked at once for it.

Details and pictures go only to who has a second factor, into a chat whose session lives; elsewhere, how many wait.
"""

from collections.abc import Mapping, Sequence

import structlog

from bot.events import Invalid, Say
from bot.session import Limits
from bot.settings import Settings
from bot.times import MINUTE, SECOND, local_date, moment
from bot.topic import Act, Equipment, Sweep, Words
from handlers.organisation import authority, factors
from handlers.organisation.roles import Officer
from handlers.review import queue
from handlers.review.describing import Description, describe, shown
from handlers.review.previews import Addresses
from handlers.review.queue import Item
from storage import audit, chats
from storage.database import Incomplete, Row, Tx, Unavailable
from storage.ids import is_plain

log = structlog.get_logger()

QUIET_FROM = 20  # o'clock, local time
SETTLES = 5 * SECOND  # what was asked for is committed by then

_DUE = """
SELECT DISTINCT g.person_id, COALESCE(p.upto, -1) AS upto FROM grants g LEFT JOIN prompts p ON p.person_id = g.person_id
WHERE g.ended_at IS NULL AND COALESCE(p.upto, -1) < :newest AND (p.at IS NULL OR p.at <= :before)
AND EXISTS (SELECT 1 FROM accounts a WHERE a.person_id = g.person_id AND a.reachable = 1)
"""
_CHATS = """
SELECT a.*, a.id AS account_id FROM each(:batch) e JOIN accounts a ON a.person_id = e.value ->> 'id'
WHERE a.reachable = 1 AND (a.channel <> 'web' OR a.session IS NOT NULL) ORDER BY a.seen_at, a.id
"""
_TOLD = """
INSERT INTO prompts (person_id, at, upto) VALUES (:person, :at, :upto)
ON CONFLICT (person_id) DO UPDATE SET at = excluded.at, upto = excluded.upto
"""
_LOOKED = """
INSERT INTO prompts (person_id, at, upto) VALUES (:person, 0, :upto)
ON CONFLICT (person_id) DO UPDATE SET upto = excluded.upto
"""


def prompting(house: Equipment) -> Sweep:
    addresses = Addresses(house.vault)

    async def prompt_officers(tx: Tx, now: int) -> Mapping[str, Words]:
        settings, vault = house.policy.settings, house.vault
        if not awake(settings, now):
            return {}
        upto = now - SETTLES
        newest = await queue.newest(tx, upto)
        if newest is None:
            return {}
        before = now - settings.prompt_minutes * MINUTE
        rows = await tx.all(_DUE, {"newest": newest, "before": before})
        due = {row["person_id"]: row["upto"] for row in rows if is_plain(row["person_id"])}
        officers = await authority.officers(tx, vault, list(due), local_date(now, settings.timezone))
        here = [officer for officer in officers.values() if not officer.away]
        reached = await _chats(tx, here)
        enrolled = await factors.enrolled_of(tx, vault, [officer.person_id for officer in here])
        told: dict[str, Words] = {}
        lines: list[audit.Line] = []
        looked: list[dict[str, object]] = []
        for officer in here:
            chat = reached.get(officer.person_id)
            if chat is None:
                continue  # told as soon as there is a chat
            since = due[officer.person_id]
            trusted = officer.person_id in enrolled and _lives(house, settings, chat, now)
            try:
                counts = await queue.counts(tx, officer, since, upto)
                found = None
                if trusted and sum(counts.values()) == 1:
                    found = await _only(tx, house, settings, officer, since, upto)
                words = card(found, addresses, officer, now) if found else digest(counts)
                house.texts("th", words.text, words.params)  # can it be said at all?
            except (Unavailable, Incomplete):
                raise
            except Exception as error:  # whatever it is, the others hear of theirs
                log.error("officer_not_prompted", officer=officer.person_id, error=type(error).__name__)
                continue
            looked.append({"person": officer.person_id, "upto": upto, "at": now, "told": bool(counts)})
            if counts:
                told[chat["account_id"]] = words
            if found:
                lines.append(shown(f"{chat['channel']}:{officer.person_id}", found))
        await tx.many(_TOLD, [row for row in looked if row["told"]])
        await tx.many(_LOOKED, [row for row in looked if not row["told"]])
        if lines:
            await audit.append(tx, vault, now, lines)
        return told

    return prompt_officers


def awake(settings: Settings, now: int) -> bool:
    return settings.quiet_until_hour <= moment(now, settings.timezone).hour < QUIET_FROM


def digest(counts: Mapping[queue.Kind, int]) -> Words:
    kinds = tuple(Say(f"prompt.kind_{kind}", {"n": counts[kind]}) for kind in queue.KINDS if counts.get(kind))
    return Words("prompt.digest", {"n": sum(counts.values()), "kinds": kinds}, menu=("review",))


def card(found: Description, addresses: Addresses, officer: Officer, now: int) -> Words:
    """One item, with what can be done about it at once."""
    item = found.item
    sheets = found.paper.pages if found.paper and found.paper.file else 0
    return Words(
        "prompt.one",
        {"title": found.title, "lines": found.lines},
        buttons=tuple(_acts(found, item, sheets)),
        menu=("review",),
        pictures=addresses.of(item, sheets, officer.person_id, now),
    )


def _acts(found: Description, item: Item, sheets: int) -> Sequence[Act]:
    which = "waive" if item.kind == "waiver" else "decide"
    labels = [f"choice.{which}_{option.wanted}" for option in found.options]
    acts = [Act("a", item.id, item.seen, labels[0], style="primary")] if labels else []
    if len(labels) > 1:
        acts.append(Act("r", item.id, item.seen, labels[-1]))
    if sheets:
        acts.append(Act("o", item.id, item.seen))
    return acts


async def _only(
    tx: Tx, house: Equipment, settings: Settings, officer: Officer, since: int, upto: int
) -> Description | None:
    """The one that is new; None where it cannot be shown: it is counted, and keeps nobody from hearing of theirs."""
    items = await queue.waiting(tx, house.vault, officer, since=since, before=upto, most=1)
    try:
        found = await describe(tx, house.vault, settings, officer, items[0]) if items else None
    except Invalid:
        return None
    return found if found and found.readable else None


async def _chats(tx: Tx, officers: Sequence[Officer]) -> dict[str, Row]:
    """Of each the chat where they were last seen."""
    rows = await tx.each(_CHATS, [{"id": officer.person_id} for officer in officers])
    return {row["person_id"]: row for row in rows}


def _lives(house: Equipment, settings: Settings, chat: Row, now: int) -> bool:
    """Is it the person who reads there, as far as KP7 knows?"""
    if chat["session"] is None or not chats.genuine(house.vault, chat):
        return False
    limits = Limits.of(settings, chat["channel"], shared=bool(chat["shared"]))
    return not limits.over(chat["seen_at"], chat["session_at"], now)
