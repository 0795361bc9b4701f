"""Who checks the ID card, and can they?"""

from bot.doctor.database import Unopened, opened
from bot.doctor.finding import Case, Finding, Findings, ok, skipped, warning, wrong
from bot.outbox import Undelivered
from handlers.identity import verifier

# Invented, with a valid check digit; the laser code is of no card.
NOBODY = {
    "national_id": "1999900000013",
    "name": "ทดสอบ ระบบ",
    "birth_date": "1984-02-05",
    "laser_code": "ZZ0000000000",
}


async def look(case: Case) -> Findings:
    match case.settings.card_verifier:
        case "officer":
            yield ok("HR looks at ID cards in person (CARD_VERIFIER=officer).")
        case "roster":
            yield await _roster(case)
        case "http":
            yield await _service(case)


async def _roster(case: Case) -> Finding:
    try:
        async with opened(case) as tx:
            row = await tx.one("SELECT count(*) AS everybody, count(card_hash) AS with_code FROM people")
    except Unopened:
        return skipped("There is no roster to look into.")
    except Exception:
        return skipped("The database has no roster to look into.")
    assert row is not None
    if not row["with_code"]:
        return warning(
            f"CARD_VERIFIER=roster, but none of {row['everybody']} people has a laser code.",
            "Import a roster with a column “Laser Code”, or choose CARD_VERIFIER=officer.",
        )
    return ok(f"{row['with_code']} of {row['everybody']} people have a laser code on the roster.")


async def _service(case: Case) -> Finding:
    """Asked about somebody who does not exist."""
    try:
        match = await verifier.ask(case.settings, NOBODY)
    except Undelivered as error:
        return wrong(
            f"{_capital(str(error))}.", "Check CARD_VERIFIER_URL and CARD_VERIFIER_TOKEN, and ask who runs it."
        )
    if match:
        return wrong(
            "The card verifier says yes to a card that does not exist.", "Do not go live with it; ask who runs it."
        )
    return ok("The card verifier answers, and says no to a card that does not exist.")


def _capital(words: str) -> str:
    return f"The {words}"
