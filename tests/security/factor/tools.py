"""An officer's authenticator, and what comes of its codes."""

from dataclasses import dataclass

import pyotp

from bot.events import Invalid
from handlers.organisation import factors
from storage.database import retried
from storage.people import Person
from tests.cast import Player
from tests.house import House
from tests.security.tools import other_than, person


@dataclass
class Authenticator:
    house: House
    person: Person
    totp: pyotp.TOTP

    @classmethod
    async def of(cls, house: House, who: Player) -> "Authenticator":
        """Set up and confirmed by the code of two minutes ago, after one that was wrong."""
        house.clock.forward(seconds=35 - house.clock() // 1000 % 30)  # a step has just begun, and lasts for the test
        kp7, owner, now = house.kp7, await person(house, who), house.clock()
        async with kp7.database.write() as tx:
            secret = await factors.begin(tx, kp7.vault, owner.id, owner.key, now)
        assert secret
        theirs = cls(house, owner, pyotp.TOTP(secret))
        assert await theirs.confirms(theirs.wrong(), now) == "factor_wrong"
        assert await theirs.confirms(theirs.code(-120), now - 120_000) == "right"
        return theirs

    def code(self, seconds: int = 0) -> str:
        """Of so many seconds from now by the house's clock."""
        return self.totp.at(self.house.clock() // 1000 + seconds)

    def wrong(self, turn: int = 0) -> str:
        """No code of this moment, and another one each turn."""
        near = {self.code(seconds) for seconds in (-60, -30, 0, 30, 60)}
        return next(code for n in range(10) if (code := other_than(self.code(), turn + 40 * n)) not in near)

    @retried
    async def tries(self, code: str) -> str:
        """ "right", or why not."""
        kp7, settings, now = self.house.kp7, self.house.settings, self.house.clock()
        async with kp7.database.write() as tx:
            try:
                await factors.check(tx, kp7.vault, settings, self.person.id, self.person.key, code, now)
            except Invalid as wrong:
                return wrong.code
        return "right"

    @retried
    async def confirms(self, code: str, now: int) -> str:
        kp7, settings = self.house.kp7, self.house.settings
        async with kp7.database.write() as tx:
            try:
                await factors.confirm(
                    tx, kp7.vault, settings, self.person.id, self.person.key, code, now, by=f"web:{self.person.id}"
                )
            except Invalid as wrong:
                return wrong.code
        return "right"
