"""Who sits at the desk: a browser whose cookie a second factor was proved with, and the roles of that person just now.

Nothing but the cookie's blind index is stored, in `officer_sessions`; it dies with the chat that it was begun from.
"""

import re
import secrets
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from bot.events import LANGUAGES, Language
from bot.http import language_of
from bot.times import HOUR, local_date
from bot.topic import Equipment
from handlers.organisation import authority, proofs
from handlers.organisation.proofs import Proof
from handlers.organisation.roles import Officer
from storage import people
from storage.database import Tx
from storage.people import Person

_COOKIE = re.compile(r"[0-9A-Za-z_-]{43}")
LANGUAGE = "kp7-desk-language"


@dataclass(frozen=True)
class Seat:
    officer: Officer
    person: Person = field(repr=False)
    proof: Proof

    @property
    def id(self) -> str:
        return self.proof.id

    @property
    def by(self) -> str:
        """As in `audit.Line`."""
        return f"desk:{self.person.id}"


class Seats:
    def __init__(self, house: Equipment) -> None:
        self._house = house
        self._secure = house.policy.settings.secure
        self.cookie = f"{'__Host-' if self._secure else ''}kp7-desk"

    def new(self) -> tuple[str, str]:
        """→ what goes into a cookie, and its id"""
        value = secrets.token_urlsafe(32)
        return value, self._index(value)

    def id_of(self, request: Request) -> str | None:
        value = request.cookies.get(self.cookie, "")
        return self._index(value) if _COOKIE.fullmatch(value) else None

    async def of(self, tx: Tx, request: Request, *, using: bool = True) -> Seat | None:
        """None: nobody who may be here, whatever the reason. Roles are looked up anew (SES3). `using`: the seat is not
        idle; needs a transaction that writes."""
        house, id, now = self._house, self.id_of(request), self._house.clock()
        if id is None:
            return None
        settings, vault = house.policy.settings, house.vault
        if using:
            proof = await proofs.proved(tx, vault, settings, id, now, lock=True)
        else:
            proof = (await proofs.find(tx, vault, settings, [id], now)).get(id)
        if proof is None:
            return None
        officer = await authority.officer(tx, vault, proof.person_id, local_date(now, settings.timezone))
        if officer is None:
            return None
        return Seat(officer, await people.by_id(tx, vault, proof.person_id), proof)

    def fresh(self, seat: Seat) -> bool:
        """Was the second factor shown so lately that it will do for what leaves the house (SES2)?"""
        return proofs.fresh(seat.proof, self._house.clock(), self._house.policy.settings.step_up_minutes)

    def set_cookie(self, response: Response, value: str) -> None:
        hours = self._house.policy.settings.officer_total_hours
        self._set(response, self.cookie, value, hours * HOUR // 1000)

    def clear_cookie(self, response: Response) -> None:
        self._set(response, self.cookie, "", 0)

    def set_language(self, response: Response, language: Language) -> None:
        self._set(response, LANGUAGE, language, 365 * 24 * 3600)

    def language(self, request: Request) -> Language:
        chosen = request.cookies.get(LANGUAGE, "")
        return next((each for each in LANGUAGES if each == chosen), language_of(request))

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            name, value, max_age=seconds, path="/", secure=self._secure, httponly=True, samesite="strict"
        )

    def _index(self, value: str) -> str:
        return self._house.vault.index("desk", value)
