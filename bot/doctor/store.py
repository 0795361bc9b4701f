"""Where files lie: does it take, give and delete them, and does it have those that are on record?"""

import asyncio
import os
import shutil
import stat

from bot.doctor.database import AS_KP7, MEGABYTE, ROOM, ROOM_AT_LEAST, Unopened, opened
from bot.doctor.files import OTHERS_MAY
from bot.doctor.finding import Case, Finding, Findings, ok, warning, wrong
from storage.folder import Folder
from storage.ids import new_id
from storage.objects import Missing, Objects, Unstored, whole
from storage.stores import objects_at

NEWEST = 5  # files on record that are looked for
MEND_FOLDER = "Look at FILES_URL: the folder must be there, and belong to the user that KP7 runs as."
MEND_BUCKET = (
    "Look at FILES_URL and the AWS variables (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY): "
    "is the bucket there, and may this key put, get, list and delete in it?"
)


async def look(case: Case) -> Findings:
    objects = objects_at(case.settings.files_address)
    if isinstance(objects, Folder):
        if not objects.root.exists():
            yield await _no_folder(case, objects)
            return
        ill = False
        for finding in await asyncio.to_thread(_folder, objects):
            ill = ill or finding.level == "wrong"
            yield finding
        if ill:
            return
    mend = MEND_FOLDER if isinstance(objects, Folder) else MEND_BUCKET
    try:
        async for finding in _there_and_back(objects):
            yield finding
        async for finding in _on_record(case, objects):
            yield finding
    except Unstored as error:
        yield wrong(f"Files cannot be kept: {error}.", mend)


async def _there_and_back(objects: Objects) -> Findings:
    name, data = new_id(), os.urandom(64)
    await objects.put(name, data)
    try:
        back = await whole(objects.get(name))
    finally:
        await objects.delete(name)
    if back != data:
        yield wrong("What is put where files lie comes back as something else.", "Do not go live with it.")
        return
    try:
        await whole(objects.get(name))
    except Missing:
        yield ok(f"{_place(objects)} takes, gives and deletes files.")
    else:
        yield wrong(
            "What is deleted where files lie stays there.",
            "Switch off whatever keeps deleted objects: papers of people who were erased must go.",
        )


def _place(objects: Objects) -> str:
    return str(objects.root) if isinstance(objects, Folder) else "The bucket"


async def _no_folder(case: Case, folder: Folder) -> Finding:
    if newest := await _newest(case):
        return wrong(
            f"{folder.root} is not there, but files are on record ({newest[0]} and others).",
            "Look whether the disk is mounted, and whether FILES_URL is what it was; else restore the last backup.",
        )
    try:
        await folder.look()
    except Unstored as error:
        return wrong(f"{folder.root} cannot be made: {error}.", MEND_FOLDER)
    return ok(f"{folder.root} will be made for the first file.")


def _folder(folder: Folder) -> list[Finding]:
    there, root = folder.root.stat(), folder.root
    if not stat.S_ISDIR(there.st_mode):
        return [wrong(f"{root} is no folder.", MEND_FOLDER)]
    if there.st_uid != os.geteuid():
        return [wrong(f"{root} belongs to another user than the one who runs this.", AS_KP7)]
    found = []
    if there.st_mode & OTHERS_MAY:
        found.append(warning(f"{root} can be entered by other users of this machine.", f"chmod 700 {root}"))
    free = shutil.disk_usage(root).free
    if free < ROOM:
        finding = wrong if free < ROOM_AT_LEAST else warning
        found.append(finding(f"{free // MEGABYTE} MB are free where files lie.", "Make room before it is full."))
    return found


async def _on_record(case: Case, objects: Objects) -> Findings:
    newest = await _newest(case)
    lost = []
    for id in newest:
        try:
            await whole(objects.get(id))
        except Missing:
            lost.append(id)
    if lost:
        yield wrong(
            f"{len(lost)} of the {len(newest)} newest files are not where files lie (the first: {lost[0]}).",
            "Look whether FILES_URL is what it was; else restore the last backup.",
        )
    elif newest:
        yield ok(f"The {len(newest)} newest files are there.")


async def _newest(case: Case) -> list[str]:
    """Ids of files that something refers to. What is wrong with the database its own check says."""
    try:
        async with opened(case) as tx:
            rows = await tx.all(f"SELECT id FROM files WHERE held = 1 ORDER BY id DESC LIMIT {NEWEST}")  # noqa: S608
    except Unopened:
        return []
    except Exception:
        return []
    return [row["id"] for row in rows]
