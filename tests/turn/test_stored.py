"""What is stored: sealed, read after a restart, and not trusted."""

import pytest

from bot.events import Press, Result
from tests.databases import on_a_file, sqlite
from tests.turn.rig import ID, MAIL, Rig


async def test_a_result_for_nobody_is_silent(rig: Rig) -> None:
    await rig.say("somchai", "register")
    before = await rig.talk("somchai")
    await rig.say("somchai", Result("register", "code", "no such attempt"))
    assert len(rig.replies["somchai"]) == 1
    assert await rig.talk("somchai") == before


@pytest.mark.parametrize("state", ["", "x", "1.x.y", "another account's"])
async def test_a_state_that_does_not_open_is_a_fresh_start(rig: Rig, state: str) -> None:
    await rig.say("somchai", "register", ID)
    await rig.say("malee", "register")
    if state.startswith("another"):
        await rig.change(
            "UPDATE conversations SET state = (SELECT state FROM conversations WHERE account_id = "
            "(SELECT id FROM accounts WHERE external_id = 'malee'))"
        )
    else:
        await rig.change("UPDATE conversations SET state = :state", state=state)
    assert await rig.say("somchai", MAIL) == ["home.unclear", "home.choose"]
    assert (await rig.say("somchai", "register"))[-1] == "ask.id"


@on_a_file
async def test_nothing_that_was_said_is_stored_in_plain_text(rig: Rig) -> None:
    await rig.say("somchai", "register", ID, MAIL, MAIL, "918273")
    stored = b"".join(file.read_bytes() for file in sqlite(rig.database).path.parent.iterdir())
    assert len(stored) > 10_000
    for said in (ID, MAIL, "918273"):
        assert said.encode() not in stored


async def test_a_restart_goes_unnoticed(rig: Rig) -> None:
    await rig.say("somchai", "register", ID, MAIL)
    await rig.close()
    await rig.open()
    assert (await rig.say("somchai", MAIL))[-1] == "ask.code"
    await rig.say("somchai", "123456")
    family = rig.buttons["somchai"]["choice.single"]
    await rig.close()
    await rig.open()
    assert (await rig.say("somchai", Press(family)))[-1] == "ask.summary"
    await rig.say("somchai", "choice.save")
    assert await rig.saved("somchai") == [[ID, MAIL, []]]
