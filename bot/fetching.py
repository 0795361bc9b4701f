"""Getting what somebody sent, by the channel's own name for it. Each channel that takes files brings a `Fetch`."""

from collections.abc import Awaitable, Callable

from bot.outbox import Undelivered
from storage.vault import Key

# (reference, key of whoever sent it, most bytes) → the bytes. Raises `Gone`, `TooMuch`, and `Undelivered` for later.
Fetch = Callable[[str, Key, int], Awaitable[bytes]]


class Gone(Undelivered):
    """There is no such thing (any more)."""


class TooMuch(Exception):
    """What somebody sent has more bytes than are taken."""
