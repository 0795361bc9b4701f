"""What must happen after a commit: replies, mails, notices, calls to the outside. Rows, so that a crash loses none.

Protocol of a row:

1. It is written in the turn's own transaction, due in `GRACE`; its body is sealed. It takes the place of an older
   `SCREEN` of its lane that is not out yet: nobody needs to read a question that is no longer asked.
2. The process that wrote it carries it at once, from memory. If it dies, the row falls due and any worker takes it.
3. A worker claims due rows by one conditional UPDATE that moves `due_at` past its lease; only the oldest row of a
   lane is ever claimed, so one account's messages go in order while accounts go side by side. (What is put off for
   longer than `FAR`, by a used-up quota say, or is for another day, lets newer ones pass.) A process that starts
   ends the leases of the one that died before it where there can be only one (SQLite, `bot.serve.only_one`).
4. Carried: the row is deleted, with the next transaction that comes by or with one of its own. Until then this process
   remembers it (`Lanes.held`), so nobody carries it twice.
   Several processes (PostgreSQL): a row whose `due_at` lies ahead is in the hands of whoever set that time, `GRACE`
   ahead. What is on its way is held on to by setting it anew (`Leases`); what still waits in memory by then is let
   go. A lane is written by one transaction at a time; a row that finds an older one in other hands is due at once
   but behind it, and a worker takes it when that is gone. A worker that could not look for a while gives the others
   time to renew before it claims. Clocks must agree to within a second.
5. `Undelivered` for now: due again later (back-off with jitter, or when the platform said), the same body each time.
   For good, or expired: a dead letter with a reason that a person can read; a secret's body is erased with it.

`entry.py` is a row and what is said of its delivery, `rows.py` the table, `lanes.py` what is in hand, in order,
`leases.py` how it stays in hand, `outbox.py` the protocol. They read the times below from here when they need them: a
test that cannot wait sets them here, for all.
"""

from bot.outbox.entry import NEWS, SCREEN, SECRET, Carrier, Entry, Follow, Undelivered, Written
from bot.outbox.outbox import Outbox

__all__ = ["NEWS", "SCREEN", "SECRET", "Carrier", "Entry", "Follow", "Outbox", "Undelivered", "Written"]

GRACE = 5_000  # ms: what is this old was not carried by the process that wrote it
LEASE = 60_000  # where there is one process; it ends all of them when it starts
FAR = 60_000
BACK_OFF_MOST = 40_000  # with its jitter below a minute: so soon after an outage everything is out
AT_ONCE = 256  # rows a claim
HELD_MOST = 2_048  # what waits in memory stays well within its lease
POLL_SECONDS = 0.5
FLUSH_SECONDS = 0.05
