"""Whoever writes the database, but has no key, makes no link lead anywhere."""

import pytest

from tests.cast import MALEE, SOMCHAI
from tests.house import Chat, House
from tests.papers import tools
from tests.security.certify.tools import NOBODYS, is_refused_everywhere, jobs_in
from tests.security.tools import change, rows
from tests.signing import Phone, hand_in, link


async def test_a_session_that_kp7_did_not_begin_opens_nothing(house: House, somchai: Chat, phone: Phone) -> None:
    """Somebody who can write the database, but has no key, makes it last."""
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    await change(house, "UPDATE accounts SET session_at = session_at + 1")
    await is_refused_everywhere(phone, path)


EDITS = {
    "longer": "expires_at = expires_at + 600000",
    "later": "made_at = made_at + 1",
    "for another paper": "about = replace(about, 'entry.transcript', 'id_card')",
    "in another campaign": "about = replace(about, 'seis', 'other')",
    "for another browser": "browser = 'other'",
    "for another browser, with a made-up MAC": "browser = 'other', browser_mac = mac",
    "without a MAC": "mac = ''",
    "without a MAC of the browser": "browser_mac = NULL",
}


@pytest.mark.parametrize("what", EDITS)
async def test_a_link_that_was_edited_is_none(house: House, somchai: Chat, phone: Phone, what: str) -> None:
    await hand_in(house, SOMCHAI, "id_card", tools.card)
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    await change(house, f"UPDATE page_links SET {EDITS[what]}")
    await is_refused_everywhere(phone, path)
    assert await jobs_in(house) == 0


async def test_nobody_gets_somebody_elses_link_by_putting_their_own_address_on_it(
    house: House, somchai: Chat, phone: Phone
) -> None:
    """Malee's own link, open and proved; then its id and its browser, as they stand there, on Somchai's row."""
    malee = await house.somebody()
    await malee.logs_in(MALEE.national_id, MALEE.email)
    await hand_in(house, MALEE)
    await link(house, SOMCHAI)
    (his,) = await rows(house, "SELECT id FROM page_links")
    path = await link(house, MALEE)
    await phone.opens(path)
    (hers,) = await rows(house, "SELECT * FROM page_links WHERE id <> :his", his=his["id"])
    await change(house, "DELETE FROM page_links WHERE id = :id", id=hers["id"])
    taken = {name: hers[name] for name in ("id", "browser", "browser_mac", "mac") if name in hers}
    sets = ", ".join(f"{name} = :{name}" for name in taken)
    await change(house, f"UPDATE page_links SET {sets} WHERE id = :his", **taken, his=his["id"])
    await is_refused_everywhere(phone, path)
    assert (await phone.signs(path)).status_code == 404
    assert await jobs_in(house) == 0


@pytest.mark.parametrize("table", ["papers", "signatures"])
async def test_where_a_row_does_not_open_the_link_leads_nowhere(
    house: House, somchai: Chat, phone: Phone, table: str, capfd: pytest.CaptureFixture[str]
) -> None:
    person = (await rows(house, "SELECT person_id, key_id FROM papers"))[0]
    path = await link(house, SOMCHAI)
    await phone.opens(path)
    if table == "papers":
        await change(house, "UPDATE papers SET detail = 'x'")
    else:
        await change(house, "INSERT INTO signatures VALUES (:person_id, :key_id, 'x', 1)", **person)
    capfd.readouterr()
    found, invented = await phone.looks(path), await phone.looks(NOBODYS)
    assert (found.status_code, found.content) == (invented.status_code, invented.content)
    assert found.status_code == 404
    signed, invented = await phone.signs(path, None), await phone.signs(NOBODYS, None)
    assert (signed.status_code, signed.content) == (invented.status_code, invented.content)
    assert (await phone.page(path, 1)).status_code == (404 if table == "papers" else 200)
    told = "".join(capfd.readouterr())
    assert "_unreadable" in told
    assert "Traceback" not in told
    assert "สมชาย" not in told
    assert await jobs_in(house) == 0
