"""The card verifier behind HTTP (`CARD_VERIFIER=http`): asks an outside service whether a laser code fits its card.

Request: `POST CARD_VERIFIER_URL`, JSON {"national_id": 13 digits, "name": first and last name, "birth_date": CE ISO
date, "laser_code": two letters and ten digits}; `Authorization: Bearer …` if `CARD_VERIFIER_TOKEN` is set. Answer:
200 {"match": true or false}. Anything else, or nothing within the row's two minutes, counts as "not now".
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
from pyreqwest.client import ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from bot.events import Result
from bot.outbox import Carrier, Entry, Undelivered
from bot.settings import Settings
from bot.topic import Incoming, Take
from storage import keys
from storage.database import Tx
from storage.vault import Vault

TIMEOUT_SECONDS = 20
_ASKED = ("national_id", "name", "birth_date", "laser_code")


def carrier(vault: Vault, settings: Settings, take: Take) -> Carrier:
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
        key = await keys.by_id(tx, vault, entry.key_id)
        if key is None:
            return []
        return [Entry.make("event", "verdict", back, key, now=entry.expires_at, account_id=entry.account_id)]

    return Carrier(deliver, dead)


async def ask(settings: Settings, question: Mapping[str, str]) -> bool:
    headers = {"Authorization": f"Bearer {settings.card_verifier_token}"} if settings.card_verifier_token else {}
    patience = timedelta(seconds=TIMEOUT_SECONDS)
    client = ClientBuilder().timeout(patience).follow_redirects(False).default_headers(headers)
    if settings.card_verifier_url.startswith("http:"):  # this machine: a proxy has no business there
        client = client.no_proxy()
    try:
        async with client.build() as session:
            response = await session.post(settings.card_verifier_url).body_json(dict(question)).build().send()
            if response.status != 200:
                raise Undelivered(f"card verifier answered {response.status}")
            answer = orjson.loads(bytes(await response.bytes()))
    except (PyreqwestError, ValueError) as error:
        raise Undelivered(f"card verifier: {type(error).__name__}") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("match"), bool):
        raise Undelivered("card verifier: an answer without match")
    return bool(answer["match"])
