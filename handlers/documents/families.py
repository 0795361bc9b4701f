"""What people have answered about their family: third parties' data, sealed like their own."""

from collections.abc import Mapping, Sequence

from handlers.documents.owner import readable
from handlers.documents.rules import Family
from storage.database import Tx
from storage.vault import Key, Vault

_OF = """
SELECT f.*, k.wrapped FROM each(:batch) e JOIN families f ON f.person_id = e.value ->> 'id'
JOIN keys k ON k.id = f.key_id
"""
_NAMES = frozenset(Family.__dataclass_fields__)


async def of(tx: Tx, vault: Vault, people: Sequence[str]) -> dict[str, Family]:
    found = {}
    for row in await tx.each(_OF, [{"id": id} for id in people]):
        with readable("families", row["person_id"]):
            key = vault.unwrap(row["key_id"], row["wrapped"])
            answers = key.open(row["answers"], "families", row["person_id"], "answers")
            # another version may have saved it
            found[row["person_id"]] = Family(**{name: value for name, value in answers.items() if name in _NAMES})
    return found


async def save(tx: Tx, person: str, key: Key, answers: Mapping[str, int], now: int) -> None:
    await tx.run(
        "INSERT INTO families (person_id, key_id, answers, at) VALUES (:person, :key, :answers, :now) "
        "ON CONFLICT (person_id) DO UPDATE SET key_id = excluded.key_id, answers = excluded.answers, at = excluded.at",
        {
            "person": person,
            "key": key.id,
            "answers": key.seal(dict(answers), "families", person, "answers"),
            "now": now,
        },
    )
