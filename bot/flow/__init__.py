"""Law 1: a script is the conversation, re-run from the top.

A flow is a generator in reading order. It yields `Ask` (a person answers) or `Do` (the shell answers: send a code,
look somebody up, save). Every result is kept under its key. A turn re-runs the script over the kept results to the
first step whose result is missing or no longer good: an open `Do` is performed, an open `Ask` is what stands on the
screen. Nothing else is stored. So restart, resume, back, edit and a deploy in mid-conversation need no code of
their own.

When a kept result stops being good:

* an answer, when `keep` says so or raises (an edited e-mail makes its repetition worthless);
* what an effect brought, when the effect itself has changed (another address: another code; a card that was matched for
  another ID). A digest of the effect is kept beside the result, so no script spells that out, and none can forget it.

Scripts are pure: no I/O, no clock, no randomness. What they must know comes in as frozen facts. This package is pure
too: `begin` takes one event, the shell performs what is open and calls `supply`, `refuse` or `wait`, until an `Ask`
or nothing is open. A refusal anywhere leaves the results as they were before the event: the person is told and
asked again.

`script.py` is what scripts are written with, `conversation.py` what is kept, `digests.py` what that was good for,
`happenings.py` what can happen, `walking.py` how a script is walked over what is kept, `moves.py` what an event does.
Others import from here.
"""

from bot.flow.conversation import Conversation, Frame, Shown
from bot.flow.digests import digest
from bot.flow.happenings import Back, Cancel, Chosen, Happening, Resume, Start
from bot.flow.moves import begin, refuse, shown, supply, wait
from bot.flow.script import Ask, Choice, Do, Script, Then
from bot.flow.walking import Step

__all__ = [
    "Ask",
    "Back",
    "Cancel",
    "Choice",
    "Chosen",
    "Conversation",
    "Do",
    "Frame",
    "Happening",
    "Resume",
    "Script",
    "Shown",
    "Start",
    "Step",
    "Then",
    "begin",
    "digest",
    "refuse",
    "shown",
    "supply",
    "wait",
]
