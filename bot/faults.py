"""What keeps KP7 from starting, in words to act on: which setting, what is wrong, where the right one is found."""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from bot.settings import Settings

Fault = tuple[str, str]  # the setting's name in the environment, and a sentence

REQUIRED = {
    "master_key": "Make one with: openssl rand -base64 32 (and keep a copy apart from the backups).",
    "smtp_host": "The mail server that codes go out through.",
    "smtp_from": "The address that codes come from.",
    "public_url": "The https:// address at which people reach this server.",
}
LINE = {
    "line_channel_secret": "It stands in the LINE Developers Console under “Basic settings”, as “Channel secret”.",
    "line_channel_access_token": "It stands in the LINE Developers Console under “Messaging API”, as "
    "“Channel access token (long-lived)”: press “Issue”.",
}
SECRETS = ("smtp_password", "card_verifier_token", *LINE)
SHORTEST = 8
_PLACEHOLDER = re.compile(r"change.?me|your[-_ ]|placeholder|only used in tests|x{8}|^<.*>$|…|^\.\.\.", re.IGNORECASE)


ENV_FILE = ".env"  # as a fault's name: nothing in it could be read
_MAILBOX = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")
# What pydantic has found, in our words; its own are for programmers. `{…}`: what it knows of the bounds.
_SAID = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be more than {gt}",
    "less_than": "must be less than {lt}",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
    "day": "{why}",  # bot.settings.Day
}
_KINDS = {
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be 1 (yes) or 0 (no)",
}


def said(error: Mapping[str, Any]) -> str:
    """One of `ValidationError.errors()` as a sentence that goes on from the setting's name."""
    kind = str(error["type"])
    words = _SAID.get(kind) or _KINDS.get(kind.partition("_")[0], "is not understood")
    return f"{words.format_map(error.get('ctx', {}))}."


def shown(name: str) -> str:
    """A fault's name as it stands in the environment."""
    return name if name == ENV_FILE else name.upper()


def address_fault(url: str) -> str:
    """Why this is no address of a database, in a sentence; empty if it may be one."""
    write = "Write sqlite:////var/lib/kp7/kp7.db, say, or postgresql://user@host/name."
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"is not an address. {write}"
    if parts.scheme in ("postgresql", "postgres"):
        return ""
    if parts.scheme != "sqlite":
        return f"names a kind of database that KP7 does not know. {write}"
    if parts.netloc:
        return f"has a host, but a file is on this machine: three slashes, or four if the path begins with one. {write}"
    return "" if len(parts.path) > 1 else f"names no file. {write}"


def files_fault(url: str) -> str:
    """Why files cannot lie there, in a sentence; empty if they may. `storage/stores.py` reads it alike."""
    write = "Write file:///var/lib/kp7/files, say, or s3://bucket/prefix."
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"is not an address. {write}"
    if parts.scheme == "file":
        if parts.netloc:
            return f"has a host, but a folder is on this machine: three slashes. {write}"
        return "" if parts.path.strip("/") else f"names no folder. {write}"
    if parts.scheme == "s3":
        return "" if parts.netloc else f"names no bucket. {write}"
    return f"names a kind of store that KP7 does not know. {write}"


def clamd_fault(address: str) -> str:
    """Why clamd cannot be asked there, in a sentence; empty if it may."""
    host, _, port = address.rpartition(":")
    if address.startswith("/") or (host and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        return ""
    return (
        "is no address. Write HOST:PORT, such as 127.0.0.1:3310, or the path of its socket, which begins with a slash."
    )


def incomplete(settings: Settings) -> list[Fault]:
    """What every command needs."""
    faults: list[Fault] = []
    wanted = dict(REQUIRED)
    if settings.card_verifier == "http":
        wanted["card_verifier_url"] = "CARD_VERIFIER=http asks this service."
    if why := address_fault(settings.database_url):
        faults.append(("database_url", why))
    elif not settings.database_url.startswith("sqlite:"):
        wanted["erased_file"] = "The file that says who was erased; it lies apart from the database, and outlives it."
        wanted["files_url"] = "Where files lie that people hand in: file:///var/lib/kp7/files, or s3://bucket/prefix."
    if settings.files_url and (why := files_fault(settings.files_url)):
        faults.append(("files_url", why))
    if settings.clamd and (why := clamd_fault(settings.clamd)):
        faults.append(("clamd", why))
    faults += [(name, f"is not set. {how}") for name, how in wanted.items() if not getattr(settings, name)]
    if settings.smtp_from and not _MAILBOX.fullmatch(settings.smtp_from):
        faults.append(("smtp_from", "is not a mail address. Write it bare, such as kp7@example.go.th."))
    if lost := [where for part in settings.audit_anchor.split(",") if (where := part.strip()) and not _off_here(where)]:
        how = "Write a path that begins with a slash, a mail address, or both with a comma."
        faults.append(("audit_anchor", f"has {lost[0]!r}, which is neither a whole path nor a mail address. {how}"))
    if settings.master_key and settings.master_key == settings.master_key_old:
        faults.append(("master_key_old", "is the same as MASTER_KEY: it is the one from before, or empty."))
    if settings.phone_digits_min > settings.phone_digits_max:
        faults.append(("phone_digits_min", "is more than PHONE_DIGITS_MAX: nobody could type a telephone number."))
    return faults


def unsafe(settings: Settings) -> list[Fault]:
    """What must not face the world."""
    faults: list[Fault] = []
    if settings.master_key and (why := _guessable(settings.master)):
        faults.append(("master_key", f"{why}. {REQUIRED['master_key']}"))
    faults += [
        (name, f"is a placeholder, not a secret. {LINE.get(name, '')}".strip())
        for name in SECRETS
        if (secret := getattr(settings, name)) and _placeholder(secret)
    ]
    faults += _line(settings)
    if not settings.web_chat and not any(getattr(settings, name) for name in LINE):
        nowhere = "No channel is switched on. Set WEB_CHAT=1, or LINE_CHANNEL_SECRET and LINE_CHANNEL_ACCESS_TOKEN"
        faults.append(("web_chat", f"is not set. {nowhere}."))
    if settings.card_verifier == "http" and not _guarded(settings.card_verifier_url):
        faults.append(("card_verifier_url", "must begin with https:// (unless it is this machine)."))
    if settings.public_url and not _guarded(settings.address):
        faults.append(("public_url", "must begin with https:// (unless it is this machine)."))
    return faults


def _line(settings: Settings) -> list[Fault]:
    given = [name for name in LINE if getattr(settings, name)]
    if not given:
        return []
    faults = [(name, f"is not set, but {given[0].upper()} is. {LINE[name]}") for name in LINE if name not in given]
    for name in given:
        secret = getattr(settings, name)
        if not all("!" <= character <= "~" for character in secret):
            faults.append((name, f"has characters that no secret of LINE has. {LINE[name]}"))
        elif len(secret) < SHORTEST and not _placeholder(secret):
            faults.append((name, f"is too short: at least {SHORTEST} characters. {LINE[name]}"))
    if len(settings.line_channel_secret) > len(settings.line_channel_access_token) > 0:
        faults.append(("line_channel_secret", "is longer than LINE_CHANNEL_ACCESS_TOKEN: the two seem to be swapped."))
    if not _guarded(settings.line_api_url):
        faults.append(("line_api_url", "must begin with https:// (unless it is this machine)."))
    return faults


def _off_here(destination: str) -> bool:
    """A relative path would mean another file in every folder that a command is run in."""
    return destination.startswith("/") or bool(_MAILBOX.fullmatch(destination))


def _guessable(key: bytes) -> str:
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    if len(steps) <= 1:
        return "is an example (every byte follows from the one before)"
    if key.isascii() and _PLACEHOLDER.search(key.decode()):  # nearly never true of random bytes: words are ASCII
        return "is an example, not random bytes"
    if len(set(key)) < 12:  # of 32 random bytes about 30 differ
        return "repeats itself, as no random bytes do"
    return ""


def _placeholder(secret: str) -> bool:
    return bool(_PLACEHOLDER.search(secret)) or len(set(secret)) < 4


def _guarded(address: str) -> bool:
    """Nobody on the way can read along."""
    parts = urlsplit(address)
    if parts.scheme.lower() == "https":
        return bool(parts.hostname)
    return parts.scheme.lower() == "http" and is_here(parts.hostname or "")


def is_here(host: str) -> bool:
    """Is this machine meant?"""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
