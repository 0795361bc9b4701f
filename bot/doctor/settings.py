"""Every setting: wrong ones, misspelt ones, and those that say two things."""

import difflib
from collections.abc import Iterator

from dotenv import dotenv_values

from bot.doctor.finding import Case, Finding, Findings, ok, warning, wrong
from bot.faults import ENV_FILE, shown
from bot.settings import Settings

KNOWN = frozenset(name.upper() for name in Settings.model_fields)
# Not ours, but at home in such a file: what starts KP7, or a library in it, reads them.
OTHERS = ("AWS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "POSTGRES_", "PG", "SSL_CERT_", "TZ", "LANG", "LC_")
ALIKE = 0.8  # how much of a name must agree for it to be taken for a slip of the pen


async def look(case: Case) -> Findings:
    for name, sentence in case.faults:
        says, _, mend = sentence.partition(". ")
        yield wrong(f"{shown(name)} {says.rstrip('.')}.", mend or "Set it in .env or in the environment.")
    if any(name == ENV_FILE for name, _ in case.faults):
        return
    in_file = {
        name.upper(): value or ""
        for name, value in dotenv_values(case.env_file, interpolate=False, encoding="utf-8-sig").items()
    }
    in_environment = {name.upper(): value for name, value in case.environment.items()}
    for finding in (*_misspelt(in_file, case), *_strays(in_environment, in_file), *_twofold(in_file, in_environment)):
        yield finding
    given = {name for name in KNOWN if in_file.get(name) or in_environment.get(name)}
    if not case.faults:
        yield ok(f"{len(given)} of {len(KNOWN)} settings are given, all others have their defaults.")


def _misspelt(in_file: dict[str, str], case: Case) -> Iterator[Finding]:
    for name in sorted(in_file.keys() - KNOWN):
        if meant := _meant(name):
            yield warning(f"{name} in {case.env_file} is not a setting.", f"Did you mean {meant}?")
        elif not name.startswith(OTHERS):
            yield warning(f"{name} in {case.env_file} is not a setting, and does nothing.", "Remove it.")


def _strays(in_environment: dict[str, str], in_file: dict[str, str]) -> Iterator[Finding]:
    """The environment is full of other people's names, so only near misses are mentioned."""
    for name in sorted(in_environment.keys() - KNOWN - in_file.keys()):
        if not name.startswith(OTHERS) and (meant := _meant(name)):
            yield warning(f"{name} in the environment is not a setting.", f"Did you mean {meant}?")


def _meant(name: str) -> str:
    return next(iter(difflib.get_close_matches(name, KNOWN, n=1, cutoff=ALIKE)), "")


def _twofold(in_file: dict[str, str], in_environment: dict[str, str]) -> Iterator[Finding]:
    for name in sorted(KNOWN):
        first, second = in_environment.get(name, ""), in_file.get(name, "")
        if first and second and first != second:
            yield warning(
                f"{name} has one value in the environment and another in .env; the environment's counts.",
                "Keep one of the two.",
            )
        if len(first) > 1 and first[0] == first[-1] and first[0] in "\"'":
            yield wrong(
                f"{name} begins and ends with a quotation mark, which is taken as part of it.",
                "Write it without quotation marks (docker's --env-file keeps them).",
            )
