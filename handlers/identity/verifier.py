"""The card verifier behind HTTP (`CARD_VERIFIER=http`): asks an outside service whether a laser code fits its card.

Request: `POST CARD_VERIFIER_URL`, JSON {"national_id": 13 digits, "name": first and last name, "birth_date": CE ISO
date, "laser_code": two letters and ten digits}; `Authorization: Bearer …` if `CARD_VERIFIER_TOKEN` is set. Answer:
200 {"match": true or false}. Anything else, or nothing within the row's two minutes, counts as "not now".
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp

from bot.events import Result
from bot.outbox import Carrier, Entry, Undelivered
from bot.settings import Settings
from bot.topic import Incoming
from storage.database import Tx
from storage.vault import Key

_ASKED = ("national_id", "name", "birth_date", "laser_code")
Take = Callable[[Incoming], Awaitable[str]]


def carrier(settings: Settings, take: Take, key_of: Callable[[Tx, str], Awaitable[Key]]) -> Carrier:
    async def deliver(entry: Entry) -> None:
        content = entry.content
        match = await ask(settings, {name: content[name] for name in _ASKED})
        ok = match and content["agrees"]
        answer: dict[str, Any] = {"value": {"alone": content["alone"]}} if ok else {"error": "identity_mismatch"}
        result = Result(content["flow"], content["key"], content["attempt"], **answer)
        await take(Incoming(content["channel"], content["external_id"], f"verify:{entry.id}", result))

    async def dead(tx: Tx, entry: Entry) -> Sequence[Entry]:
        content = entry.content
        back = {
            "channel": content["channel"],
            "external_id": content["external_id"],
            "result": {**{k: content[k] for k in ("flow", "key", "attempt")}, "error": "verifier_unavailable"},
        }
        await tx.run("UPDATE outbox SET body = '' WHERE id = :id", {"id": entry.id})  # it held the laser code
        key = await key_of(tx, entry.key_id)
        return [Entry.make("event", "verdict", back, key, now=entry.expires_at, account_id=entry.account_id)]

    return Carrier(deliver, dead)


async def ask(settings: Settings, question: Mapping[str, str]) -> bool:
    headers = {"Authorization": f"Bearer {settings.card_verifier_token}"} if settings.card_verifier_token else {}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20), headers=headers) as session,
            session.post(settings.card_verifier_url, json=dict(question), allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise Undelivered(f"card verifier answered {response.status}")
            answer = await response.json()
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:
        raise Undelivered(f"card verifier: {type(error).__name__}") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("match"), bool):
        raise Undelivered("card verifier: an answer without match")
    return bool(answer["match"])
