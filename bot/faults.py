"""What keeps KP7 from starting, in words to act on: which setting, what is wrong, where the right one is found."""

import re
from ipaddress import ip_address
from itertools import pairwise
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


def incomplete(settings: Settings) -> list[Fault]:
    """What every command needs."""
    wanted = dict(REQUIRED)
    if settings.card_verifier == "http":
        wanted["card_verifier_url"] = "CARD_VERIFIER=http asks this service."
    if not settings.database_url.startswith("sqlite:"):
        wanted["erased_file"] = "The file that says who was erased; it lies apart from the database, and outlives it."
    faults = [(name, f"is not set. {how}") for name, how in wanted.items() if not getattr(settings, name)]
    if settings.master_key and settings.master_key == settings.master_key_old:
        faults.append(("master_key_old", "is the same as MASTER_KEY: it is the one from before, or empty."))
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
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
