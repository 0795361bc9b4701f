"""Who comes to see the doctor: settings that are right, one by one made wrong, and what is said about them."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.doctor.finding import Case, Finding, Look
from bot.settings import Settings

KEY = base64.b64encode(bytes.fromhex("8a1fd2c37be4905663aa0cf81e7d42b9c5708f36e12b94da57086cfb3d91a2e4")).decode()
PASSWORD = "Vq7-nobody-may-read-this"


def case(folder: Path, *, faults: Sequence[tuple[str, str]] = (), mail_to: str = "", **settings: Any) -> Case:
    given = {
        "master_key": KEY,
        "database_url": f"sqlite:///{folder / 'kp7.db'}",
        "smtp_host": "127.0.0.1",
        "smtp_tls": "none",
        "smtp_from": "kp7@example.go.th",
        "web_chat": True,
        **settings,
    }
    return Case(Settings(_env_file=None, **given), faults, folder / ".env", {}, mail_to)


async def findings(look: Look, patient: Case) -> list[Finding]:
    return [finding async for finding in look(patient)]


async def the_fault(look: Look, patient: Case) -> Finding:
    """The only thing that is said besides what is fine. It says how to mend it."""
    (found,) = (finding for finding in await findings(look, patient) if finding.level in ("warning", "wrong"))
    assert found.mend
    assert found.says.endswith("."), found.says
    return found


async def is_well(look: Look, patient: Case) -> str:
    """All that is said, and none of it is bad."""
    found = await findings(look, patient)
    assert {finding.level for finding in found} == {"ok"}, found
    return "\n".join(finding.says for finding in found)
