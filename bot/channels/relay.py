"""The web chat in several processes: whoever shows a message tells the others, where the browser's stream may end.

What is told names a chat and a message; what it says is read from the database, where it lies sealed. On SQLite there
are no others, and nobody is told.
"""

from collections.abc import Awaitable, Callable
from contextlib import aclosing

import structlog

from bot.logs import place
from storage.database import Database, Tx, Unavailable

log = structlog.get_logger()

_CHANNEL = "kp7_shown"
_TELL = "SELECT pg_notify('kp7_shown', value ->> 'what') FROM each(:batch)"


async def tell(tx: Tx, me: str, to: str, id: str) -> None:
    """The others hear of it once the transaction is committed. `me`: a word without blanks that names this process."""
    await tx.among(_TELL, [{"what": f"{me} {to} {id}"}])


async def hear(
    database: Database, me: str, show: Callable[[str, str], Awaitable[None]], missed: Callable[[], None]
) -> None:
    """Runs beside. `show`: a message (to, id) of another process; `missed`: there may have been some unheard of."""
    async with aclosing(database.heard(_CHANNEL)) as heard:
        async for what in heard:
            if what is None:
                missed()
                continue
            try:
                sender, to, id = what.split(" ")
                if sender != me:
                    await show(to, id)
            except Unavailable:
                missed()
            except Exception as error:  # whoever has the database may say anything there: that ends no listening
                log.error("relay_failed", error=type(error).__name__, at=place(error))
