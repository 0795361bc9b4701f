"""Whoever was erased stays erased, whichever backup and whichever ledger there is."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from bot import backup
from bot.backup import Refused
from bot.times import DAY
from storage import erasures
from storage.erasures import Erasures
from tests.backup.office import TAMPERED, WHEN, Office, content, cut


async def test_an_older_backup_brings_nobody_back(office: Office) -> None:
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    done = await office.restored(made, force=True)
    assert done.erased == 1
    assert not await office.knows()
    assert [content(office.path)[table] for table in ("people", "emails", "keys")] == [[], [], []]
    wrapped = content(made / "database")["keys"][0][1].encode()
    assert wrapped in (made / "database").read_bytes()
    assert wrapped not in office.path.read_bytes()


async def test_on_an_empty_machine_it_says_that_nobody_knows(office: Office, tmp_path: Path) -> None:
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    other = Office(tmp_path / "another machine")
    with pytest.raises(Refused, match=r"--erased FILE.*--without-ledger"):
        await other.restored(made)
    assert list(other.folder.iterdir()) == []

    await other.restored(made, erased=office.ledger.path)
    assert not await other.knows()
    assert other.ledger.read() == Erasures(WHEN - DAY, office.ledgers()), "it reaches back as far as what it was given"
    await other.restored(made, force=True)  # from now on it knows by itself
    assert not await other.knows()


async def test_a_copy_that_was_given_serves_again_and_again(office: Office, tmp_path: Path) -> None:
    """The chain of the ledger that was begun from it is another one."""
    older = office.backed_up(WHEN - DAY // 2)
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    other = Office(tmp_path / "another machine")
    await other.restored(made, erased=office.ledger.path)
    for source, erased in ((made, None), (older, None), (older, office.ledger.path)):
        await other.restored(source, force=True, erased=erased)
        assert not await other.knows()


async def test_a_copy_that_is_found_after_another_ledger_was_begun_brings_nobody_back(
    office: Office, tmp_path: Path
) -> None:
    """Up to its last line it knows; whether somebody was erased between that and the new one nobody does."""
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    found = tmp_path / "found"
    shutil.copy(office.ledger.path, found)
    await office.begins_anew(WHEN + 2 * DAY)
    with pytest.raises(Refused, match="without-ledger"):
        await office.restored(made, force=True, erased=found)
    await office.restored(made, force=True, erased=found, without_ledger=True)
    assert not await office.knows()


async def test_without_any_ledger_they_do_come_back_and_that_is_remembered(office: Office, tmp_path: Path) -> None:
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    other = Office(tmp_path / "another machine")
    await other.restored(made, without_ledger=True)
    assert await other.knows()
    with pytest.raises(Refused, match="begun later"):
        await other.restored(made, force=True)


async def test_a_newer_backup_beside_it_knows(office: Office, tmp_path: Path) -> None:
    """The machine is gone, and the newest database with it; its ledger is still of use."""
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    newer = office.backed_up(WHEN + 2 * DAY)
    (newer / "database").unlink()
    other = Office(tmp_path / "another machine")
    done = await other.restored(made, without_ledger=True)
    assert done.erased == 1
    assert not await other.knows()


async def test_a_ledger_that_was_begun_too_late_does_not_count(office: Office) -> None:
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    await office.begins_anew(WHEN + 2 * DAY)
    with pytest.raises(Refused, match="begun later"):
        await office.restored(made, force=True)


async def test_a_chain_of_ledgers_counts(office: Office) -> None:
    """This machine's begins after the first backup, but the second one knew of all until then."""
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    office.backed_up(WHEN + 2 * DAY)
    await office.begins_anew(WHEN + 2 * DAY - 1)
    assert (await office.restored(made, force=True)).erased == 1


async def test_a_chain_of_ledgers_in_which_a_manifest_was_forged_does_not_count(office: Office) -> None:
    """Whoever may write into the folder gives out an old copy of the ledger for one that knew more."""
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    await office.begins_anew(WHEN + 2 * DAY - 1)
    later = office.backups / "kp7-20231116T221320000Z"
    shutil.copytree(made, later)
    with pytest.raises(Refused, match="begun later"):
        await office.restored(made, force=True)
    manifest = backup.read(later).model_copy(update={"at": WHEN + 2 * DAY})
    (later / "manifest.json").write_text(manifest.model_dump_json())
    with pytest.raises(Refused, match="begun later"):
        await office.restored(made, force=True)


async def test_a_chain_with_a_backup_whose_ledger_lacked_lines_does_not_count(office: Office) -> None:
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    cut(office.ledger.path, slice(1))
    office.backed_up(WHEN + 2 * DAY)
    await office.begins_anew(WHEN + 2 * DAY - 1)
    with pytest.raises(Refused, match="begun later"):
        await office.restored(made, force=True)


async def test_a_newer_backup_that_is_damaged_harms_nobody_and_its_lines_still_count(office: Office) -> None:
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    newer = office.backed_up(WHEN + 2 * DAY)
    (newer / "manifest.json").write_text("{")
    await office.begins_anew(WHEN + 3 * DAY)
    with pytest.raises(Refused, match="begun later"):
        await office.restored(made, force=True)
    assert (await office.restored(made, force=True, without_ledger=True)).erased == 1


@pytest.mark.parametrize("what", TAMPERED)
@pytest.mark.parametrize("given", ["this machine's", "a copy"])
async def test_a_ledger_that_was_tampered_with_brings_nobody_back(office: Office, what: str, given: str) -> None:
    """As it lies here, or as it is given with --erased."""
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    await office.erases(WHEN + 2 * DAY)
    path = office.ledger.path
    how: dict[str, Any] = {"force": True}
    if given == "a copy":
        how["erased"] = path.rename(path.with_name("copy"))
    tamper, sentence = TAMPERED[what]
    tamper(how.get("erased", path))
    with pytest.raises(Refused, match=rf"{sentence}.* Put a sound copy there"):
        await office.restored(made, **how)


async def test_a_ledger_without_lines_that_a_backup_knows_is_refused_without_any_database(
    office: Office, tmp_path: Path
) -> None:
    """The machine is gone; somebody offers a copy of the ledger with its end cut off."""
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    office.backed_up(WHEN + 2 * DAY)
    cut(office.ledger.path, slice(1))
    other = Office(tmp_path / "another machine")
    with pytest.raises(Refused, match="a backup knows of an erasure that it lacks"):
        await other.restored(made, erased=office.ledger.path)


async def test_what_the_database_knows_is_found_in_the_log_of_a_crash_too(office: Office) -> None:
    made = office.backed_up()
    await office.erases(WHEN + DAY)
    database = await office.opens()
    async with database.write() as tx:
        await erasures.move_end(tx, "a line that is nowhere")
    for name in ("kp7.db", "kp7.db-wal"):
        shutil.copy(office.folder / name, office.folder / f"crashed-{name}")
    await database.close()
    for name in ("kp7.db", "kp7.db-wal"):
        (office.folder / f"crashed-{name}").rename(office.folder / name)
    with pytest.raises(Refused, match="The last lines of"):
        await office.restored(made, force=True)
