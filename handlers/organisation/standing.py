"""What scripts may know of an officer: roles, and whether the second factor was proved here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from bot.times import local_date
from bot.topic import Equipment, Visitor
from bot.values import frozen
from handlers.organisation import authority, factors, proofs
from handlers.organisation.roles import Officer
from storage.database import Tx


@frozen
class Standing:
    """`officer` None: holds no role just now. `enrolled`: has a second factor. `proved`: and has proved it in this
    chat. A script asks by it; who acts is looked up anew when something is done."""

    officer: Officer | None = None
    enrolled: bool = False
    proved: bool = False
    code_digits: int = 6


NOBODY = Standing()
Standings = Callable[[Tx, Sequence[Visitor], int], Awaitable[Mapping[str, Standing]]]


def standings(house: Equipment) -> Standings:
    """→ account id → standing, of all visitors."""

    async def load(tx: Tx, visitors: Sequence[Visitor], now: int) -> Mapping[str, Standing]:
        settings, vault = house.policy.settings, house.vault
        inside = {v.id: v.person_id for v in visitors if v.logged_in and v.person_id}
        found = await authority.officers(tx, vault, list(inside.values()), local_date(now, settings.timezone))
        if not found:
            return {visitor.id: NOBODY for visitor in visitors}
        enrolled = await factors.enrolled_of(tx, vault, sorted(found))
        chats = [account for account, person in inside.items() if person in enrolled]
        good = await proofs.find(tx, vault, settings, chats, now)
        standing = dict.fromkeys((visitor.id for visitor in visitors), NOBODY)
        for account, person in inside.items():
            if officer := found.get(person):
                proof = good.get(account)
                proved = proof is not None and proof.person_id == person
                standing[account] = Standing(officer, person in enrolled, proved, settings.code_digits)
        return standing

    return load
