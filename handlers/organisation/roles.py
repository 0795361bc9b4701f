"""Roles, and what each may: the table of letter มท ๐๔๐๒.๕/ว ๓๕๗๘ (users, and "จะมอบหมายช่วงต่อไปไม่ได้"). Pure.

Nobody acts on what is their own; nobody grants what was granted to them. Where a role applies is its scope, an
organisation, and with `below` what is subordinate to it: local authorities (อปท.) are supervised, not subordinate
(letter พร ๐๐๒๓.๒/ว ๘๗๓), so only roles that supervise reach them from above.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from bot.values import frozen

Role = Literal["unit_hr", "unit_admin", "province_officer", "department_officer", "central_admin"]
ROLES: tuple[Role, ...] = get_args(Role)

# review, review2: give a verdict on papers, at the first or the second level; waive: do without a paper; identity,
# unlock, relink, help: what people ask for in their chats; numbers: how far the units are; export: papers and manifest
Action = Literal["review", "review2", "waive", "identity", "unlock", "relink", "help", "numbers", "export"]
ACTIONS: tuple[Action, ...] = get_args(Action)

MAY: Mapping[Role, frozenset[Action]] = {
    "unit_hr": frozenset({"review", "waive", "identity", "unlock", "relink", "help", "numbers", "export"}),
    "unit_admin": frozenset({"identity", "unlock", "relink", "help", "numbers"}),
    "province_officer": frozenset({"review2", "numbers"}),
    "department_officer": frozenset({"numbers"}),
    "central_admin": frozenset(),  # the program's configuration; no document content
}
SUPERVISES: frozenset[Role] = frozenset({"province_officer", "department_officer"})
MAY_SIGN_ORDERS: frozenset[Role] = frozenset({"department_officer"})  # besides heads of offices, who hold no role here

SUPERVISED_KINDS = (
    "provincial_authority",
    "city_municipality",
    "town_municipality",
    "subdistrict_municipality",
    "subdistrict_authority",
)


@frozen
class Held:
    """A role in force. `id`: of the grant. `units`: codes of the organisations it applies to."""

    id: str
    role: Role
    units: frozenset[str]


@frozen
class Officer:
    """Somebody who holds roles just now. `away`: a colleague who holds them, too, has their queue today;
    `stands_in_for`: officers whose queue is theirs."""

    person_id: str
    held: tuple[Held, ...]
    away: bool = False
    stands_in_for: tuple[str, ...] = ()

    def grant_for(self, action: Action, unit: str, owner: str) -> Held | None:
        """What allows this action on something of `owner`, who belongs to `unit`; None: nothing does."""
        if owner == self.person_id or not unit:
            return None
        return next((held for held in self.held if action in MAY[held.role] and unit in held.units), None)

    def covers(self, other: "Officer") -> bool:
        """Do they hold everything that the other one holds, themselves?"""
        return self.person_id != other.person_id and all(
            any(mine.role == theirs.role and mine.units >= theirs.units for mine in self.held) for theirs in other.held
        )

    def units(self, action: Action) -> frozenset[str]:
        return frozenset(unit for held in self.held if action in MAY[held.role] for unit in held.units)

    def may(self, action: Action) -> bool:
        return any(action in MAY[held.role] for held in self.held)
