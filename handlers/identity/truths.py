"""Notices of this topic: are they still true when their time comes, and in which words?"""

from collections.abc import Awaitable, Callable, Mapping

from bot.events import Say
from bot.outbox import Entry
from bot.times import local_date
from bot.topic import Truth, Visitor, Words
from handlers.identity import requests
from storage import chats, people
from storage.database import Tx
from storage.vault import Vault


def of(vault: Vault, timezone: str) -> Mapping[str, Truth]:
    async def sso_ready(tx: Tx, entry: Entry, now: int) -> Words | None:
        """The address that was registered yesterday is the one still on record, and its day has come."""
        assert entry.person_id is not None
        try:
            person = await people.by_id(tx, vault, entry.person_id)
        except KeyError:
            return None
        email = person.email
        if email is None or email.id != entry.content["email_id"]:
            return None
        if email.effective_on > local_date(now, timezone):
            return None
        return Words("notice.sso_ready", {"date": email.effective_on}, mail=email.address)

    async def cut_off(tx: Tx, entry: Entry, _now: int) -> Words | None:
        """Somebody logged in elsewhere: nothing of the person stays in the chat that was used before."""
        row = await tx.one("SELECT session FROM accounts WHERE id = :id", {"id": entry.account_id})
        said = "cut_off_by_hr" if entry.content.get("by") == "hr" else "cut_off"
        return Words(said, fresh=True, menu=("login",)) if row and row["session"] is None else None

    async def about(tx: Tx, entry: Entry) -> tuple[requests.Request, people.Person] | None:
        asked = await requests.request(tx, vault, entry.content["request"])
        return (asked, await people.by_id(tx, vault, asked.person)) if asked else None

    async def hr_answer(tx: Tx, entry: Entry, now: int) -> Words | None:
        """In a chat the whole of it; a mail says that there is one, which is told when the person comes back."""
        found = await about(tx, entry)
        if found is None or not found[0].answer:
            return None
        asked, person = found
        if await chats.hears(tx, person.id):
            await requests.told(tx, asked.id, now)
        return Words("notice.hr_answer", _answered(asked, timezone), mail=person.email.address if person.email else "")

    async def unlocked(tx: Tx, entry: Entry, _now: int) -> Words | None:
        found = await about(tx, entry)
        if found is None:
            return None
        _, person = found
        return Words("notice.unlocked", mail=person.email.address if person.email else "")

    return {"sso_ready": sso_ready, "cut_off": cut_off, "hr_answer": hr_answer, "unlocked": unlocked}


def greets(vault: Vault, timezone: str) -> Callable[[Tx, Visitor, int], Awaitable[Say | None]]:
    async def answers(tx: Tx, visitor: Visitor, now: int) -> Say | None:
        """What HR has answered while the person had no chat to be told in."""
        assert visitor.person_id is not None
        unheard = await requests.unheard(tx, vault, visitor.person_id, now)
        items = tuple(Say("notice.hr_answer", _answered(asked, timezone)) for asked in unheard)
        return Say("hr_answers", {"items": items}) if items else None

    return answers


def _answered(asked: requests.Request, timezone: str) -> dict[str, object]:
    return {"day": local_date(asked.asked_at, timezone), "answer": asked.answer}
