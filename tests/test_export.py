"""`kp7 export documents`, as an operator types it; killed, without room, and beside others."""

import asyncio
import csv
import json
import os
import signal
import stat
from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pytest

from bot.commands.saving import save
from storage.plain_files import Unfit
from tests.approved import Office, office
from tests.command import PROGRAM, environment, run

LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))"


@pytest.fixture
async def hr(tmp_path: Path) -> AsyncIterator[Office]:
    found = await office(f"sqlite:///{tmp_path / 'kp7.db'}", tmp_path)
    await found.campaign()
    yield found
    await found.database.close()


async def exports(hr: Office, tmp_path: Path, *words: object) -> tuple[int, str, str]:
    given = {"files_url": (tmp_path / "files").as_uri()}
    return await run(f"sqlite:///{tmp_path / 'kp7.db'}", "export", "documents", *words, **given)


async def begun(tmp_path: Path, *words: object, before: str = "") -> asyncio.subprocess.Process:
    settings = environment(f"sqlite:///{tmp_path / 'kp7.db'}", files_url=(tmp_path / "files").as_uri())
    return await asyncio.create_subprocess_exec(
        *PROGRAM[:2], f"{before}\n{PROGRAM[2]}", "export", "documents", *(str(word) for word in words),
        env=settings, cwd="/", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


def units(file: Path) -> list[str]:
    with ZipFile(file) as zip:
        assert zip.testzip() is None
        rows = csv.DictReader(StringIO(zip.read("manifest.csv").decode("utf-8-sig")))
        return [row["หน่วยงาน"] for row in rows]


async def test_by_unit_all_and_again(hr: Office, tmp_path: Path) -> None:
    await hr.organisations(D01="", D0103="D01", D02="")
    await hr.has_approved("สมชาย", ["house"], unit="กองแผนงาน", code="D0103")
    await hr.has_approved("อนันต์", ["house"], unit="กองอื่น", code="D02")
    await hr.has_approved("มาลี", ["house"], unit="กรม", code="D01")
    await hr.hands_in(await hr.somebody("ปรียา", unit="กรม", code="D01"), {"house": b"%PDF"})
    file = tmp_path / "out" / "papers.zip"
    words = ("--campaign", "c1", "--to", file)

    code, said, complained = await exports(hr, tmp_path, *words)
    assert (code, said, complained) == (2, "", f"There is no folder {file.parent}.\n")
    file.parent.mkdir()
    code, said, complained = await exports(hr, tmp_path, *words, "--unit", "D01", "--below", "--by", "somsri")
    assert (code, said, complained) == (0, f"{file}: papers 2, people 2, 0.0 MB\n", "")
    assert units(file) == ["กรม", "กองแผนงาน"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
    async with hr.database.read() as tx:
        lines = await tx.all("SELECT DISTINCT actor FROM audit WHERE action = 'paper.exported'")
    assert lines == [{"actor": "cli:somsri"}]

    before = file.read_bytes()
    code, said, complained = await exports(hr, tmp_path, *words)
    assert (code, said, complained) == (2, "", f"{file} is there already; --force replaces it.\n")
    assert file.read_bytes() == before
    code, said, _ = await exports(hr, tmp_path, *words, "--force", "--all", "--json")
    told = json.loads(said)
    assert (code, told.pop("bytes") > 0) == (0, True)
    assert told == {"file": str(file), "people": 4, "papers": 4, "faults": []}
    assert sorted(units(file)) == ["กรม", "กรม", "กองอื่น", "กองแผนงาน"]

    file.unlink()
    assert (await exports(hr, tmp_path, *words, "--unit", "D01"))[0] == 0
    assert units(file) == ["กรม"]
    for more, sentence in (
        (("--unit", "nowhere"), "There is no organisation 'nowhere'."),
        (("--campaign", "c2"), "There is no campaign 'c2'. `kp7 campaign list` shows them all."),
    ):
        assert await exports(hr, tmp_path, *words, "--force", *more) == (2, "", f"{sentence}\n")
    assert (await exports(hr, tmp_path, *words, "--below"))[0] == 2
    assert units(file) == ["กรม"]


async def test_what_does_not_fit_is_named_and_told_by_the_exit_code(hr: Office, tmp_path: Path) -> None:
    file = tmp_path / "papers.zip"
    words = ("--campaign", "c1", "--to", file)
    code, said, complained = await exports(hr, tmp_path, *words)
    assert (code, said, complained) == (1, "", "Nothing was exported: no paper is there yet that could be.\n")
    assert not file.exists()
    await hr.has_approved("สมชาย", ["house", "id_card"])
    async with hr.database.write() as tx:
        await tx.run("UPDATE papers SET id = 'the card', state = 'approved' WHERE slot = 'id_card'")
    code, said, complained = await exports(hr, tmp_path, *words)
    assert (code, said) == (4, f"{file}: papers 1, people 1, 0.0 MB\n")
    assert complained.splitlines()[-1] == (
        "1 were left out, which the manifest names; the first: the card, of which KP7 gave no such verdict."
    )
    code, said, _ = await exports(hr, tmp_path, *words, "--force", "--json")
    assert (code, json.loads(said)["faults"]) == (4, [{"id": "the card", "why": "verdict"}])
    async with hr.database.write() as tx:
        await tx.run("UPDATE audit_head SET last = 'forged'")
    code, said, complained = await exports(hr, tmp_path, "--campaign", "c1", "--to", tmp_path / "other.zip")
    assert (code, said) == (1, "")
    assert complained.startswith("The end of the audit log was tampered with")
    assert not [name for name in os.listdir(tmp_path) if name.startswith("other")]


async def test_killed_or_without_room_it_leaves_nothing_that_is_taken_for_whole(hr: Office, tmp_path: Path) -> None:
    for nth in range(3):
        await hr.has_approved(f"คน{nth}", ["house", "id_card", "father", "mother"], size=3 << 20)
    file = tmp_path / "papers.zip"
    part = file.with_name("papers.zip.part")
    words = ("--campaign", "c1", "--to", file)

    process = await begun(tmp_path, *words, before=LIMITED)
    said, complained = await process.communicate()
    assert (process.returncode, said) == (1, b"")
    assert complained == b"Nothing was exported: File too large.\n"
    assert not file.exists()
    assert not part.exists()

    process = await begun(tmp_path, *words)
    async with asyncio.timeout(30):
        while not (part.exists() and part.stat().st_size > 1 << 20):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert not file.exists()
    with pytest.raises(BadZipFile):
        ZipFile(part)

    code, said_, _ = await exports(hr, tmp_path, *words)
    assert (code, said_) == (0, f"{file}: papers 12, people 3, 37.7 MB\n")
    assert len(units(file)) == 12
    assert not part.exists()
    async with hr.database.read() as tx:
        lines = await tx.all("SELECT subject FROM audit WHERE action = 'paper.exported'")
    assert len(lines) == 9, "each time, before anything of theirs went out"


async def test_one_writes_and_the_other_hears_of_it(tmp_path: Path) -> None:
    file = tmp_path / "papers.zip"
    on, wait = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"one"
        on.set()
        await wait.wait()
        yield b" two"

    first = asyncio.create_task(save(file, slowly()))
    await on.wait()
    with pytest.raises(Unfit, match="Somebody else is just writing"):
        await save(file, slowly())
    wait.set()
    await first
    assert file.read_bytes() == b"one two"
    with pytest.raises(Unfit, match="is there already"):
        await save(file, slowly())
    assert file.read_bytes() == b"one two"
    target, link = tmp_path / "elsewhere", tmp_path / "papers.zip.part"
    target.write_bytes(b"theirs")
    link.symlink_to(target)
    with pytest.raises(Unfit):
        await save(file, slowly(), replace=True)
    assert target.read_bytes() == b"theirs"
