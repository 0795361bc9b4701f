"""A session that is over in the midst of a batch, by a neighbour or by the clock."""

from dataclasses import replace

from bot.events import Press, Result
from storage.roster import write_roster
from tests import toy
from tests.storage.test_roster import MALEE
from tests.turn.rig import ID, MAIL, OTHER_ID, Rig


async def test_somebody_logged_out_by_a_neighbour_in_the_same_batch_is_loaded_anew(rig: Rig) -> None:
    await rig.add_somchai()
    assert (await rig.say("somchai", "enter", ID, "diary"))[-1] == "ask.page.0"
    await rig.say("malee", "kick")
    malee, somchai = rig.event("malee", "somchai"), rig.event("somchai", "my secret")
    assert await rig.together(malee, somchai) == ["done", "done"]
    assert rig.replies["somchai"][-1] == ["home.unclear", "home.choose"]
    assert (await rig.talk("somchai")).frames == ()
    assert await rig.together(somchai) == ["duplicate"]
    assert (await rig.say("somchai", "diary"))[0] == "error.login_first"


async def test_the_other_way_round_the_answer_counts_but_its_session_is_over(rig: Rig) -> None:
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary")
    await rig.say("malee", "kick")
    somchai, malee = rig.event("somchai", "dear diary"), rig.event("malee", "somchai")
    assert await rig.together(somchai, malee) == ["done", "done"]
    assert rig.replies["somchai"][-1] == ["ask.page.0"], "nothing more is shown on a phone that was cut off"
    assert await rig.say("somchai", "more") == ["home.unclear", "home.choose"]


async def test_nor_is_what_is_said_only_once_said_on_a_phone_that_was_cut_off(rig: Rig) -> None:
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary")
    await rig.say("malee", "kick")
    before = len(rig.replies["somchai"])
    assert await rig.together(rig.event("somchai", "help"), rig.event("malee", "somchai")) == ["done", "done"]
    assert len(rig.replies["somchai"]) == before
    assert await rig.rows("SELECT * FROM outbox WHERE purpose = 'news' AND dead_at IS NULL") == []


async def test_what_a_phone_wrote_that_a_neighbour_then_cut_off_is_not_saved_nor_confirmed_there(rig: Rig) -> None:
    await rig.add_somchai()
    async with rig.database.write() as tx:
        await write_roster(tx, rig.vault, [replace(MALEE, national_id=OTHER_ID)], 1)
    await rig.say("somchai", "enter", ID, "note")
    await rig.say("malee", "enter", OTHER_ID, "note")
    await rig.say("anan", "kick")
    events = rig.event("somchai", "mine"), rig.event("malee", "hers"), rig.event("anan", "somchai")
    before = len(rig.replies["somchai"])
    assert await rig.together(*events) == ["done"] * 3
    assert (await rig.saved("somchai"), await rig.saved("malee")) == ([], ["hers"])
    assert len(rig.replies["somchai"]) == before, "it says that something was done, on a phone that was cut off"
    [row] = await rig.rows("SELECT id FROM accounts WHERE external_id = 'somchai'")
    assert rig.mails[row["id"]] == [("mine", MAIL)], "what does not go to the phone goes out"


async def test_the_conversation_of_a_session_that_ended_is_gone_and_its_buttons_with_it(rig: Rig) -> None:
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary", "dear diary")
    cancel = rig.buttons["somchai"]["control.cancel"]
    await rig.change("UPDATE accounts SET session = NULL")
    assert await rig.say("somchai", Press(cancel)) == ["error.old_button", "home.choose"]
    assert (await rig.talk("somchai")).frames == ()


async def test_a_long_absence_ends_the_session_and_says_so(rig: Rig) -> None:
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary")
    rig.now += 13 * toy.HOUR
    assert (await rig.say("somchai", "dear diary"))[0] == "session_over"
    assert (await rig.talk("somchai")).frames == ()
    [row] = await rig.rows("SELECT session FROM accounts")
    assert row["session"] is None


async def test_a_late_result_is_no_sign_of_life(rig: Rig) -> None:
    """A session ends when its person is away for long, whatever a verifier sends meanwhile."""
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary")
    rig.now += 11 * toy.HOUR
    await rig.say("somchai", Result("register", "code", "no such attempt"))
    rig.now += 11 * toy.HOUR
    assert (await rig.say("somchai", "dear diary"))[0] == "session_over"


async def test_that_a_session_is_over_is_said_even_if_a_late_result_finds_it_out(rig: Rig) -> None:
    await rig.add_somchai()
    await rig.say("somchai", "enter", ID, "diary")
    before = len(rig.replies["somchai"])
    rig.now += 13 * toy.HOUR
    await rig.say("somchai", Result("register", "code", "no such attempt"))
    await rig.say("somchai", "dear diary")
    said = [line for reply in rig.replies["somchai"][before:] for line in reply]
    assert "session_over" in said
    assert (await rig.talk("somchai")).frames == ()
