"""Notices of this topic: are they still true when their time comes, and in which words?"""

from collections.abc import Mapping

from bot.outbox import Entry
from bot.times import local_date
from bot.topic import Truth, Words
from storage import people
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
        return Words("cut_off", fresh=True, menu=("login",)) if row and row["session"] is None else None

    return {"sso_ready": sso_ready, "cut_off": cut_off}
