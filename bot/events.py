"""What comes in from a person, and what goes out to one. Pure values, no behaviour."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from bot.values import frozen

Language = Literal["th", "en"]
LANGUAGES: tuple[Language, ...] = ("th", "en")


class Invalid(Exception):
    """Something a person gave cannot be taken.

    `code` names the sentence `error.<code>` in the catalogues, which says exactly what to do instead; `params` fill it.
    """

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


# --- in -------------------------------------------------------------------------------------------------------------


@frozen
class Opened:
    """The chat was opened or the bot was added as a friend."""


@frozen
class Text:
    body: str


@frozen
class Press:
    """A button; `data` is what we put into it (see `bot.screen`), so it proves nothing until it is checked."""

    data: str


@frozen
class File:
    """A file or picture was announced. `size` in bytes, -1 where the channel does not say.

    `reference`: the channel's own name for it, by which it can be fetched and taken back. `place`: which of how many
    in an album, from 1; (1, 1) alone.
    """

    name: str
    mime: str = ""
    size: int = -1
    reference: str = ""
    place: tuple[int, int] = (1, 1)


@frozen
class Other:
    """Something that answers no question: a sticker, a place on a map."""


@frozen
class Unsent:
    """A message was taken back. `reference`: the channel's own name for it."""

    reference: str


@frozen
class Left:
    """The person has blocked the bot: nothing reaches them here until they come back."""


@frozen
class Invited:
    """The bot was brought into a group. It speaks with one person at a time, so it leaves."""


@frozen
class Result:
    """The answer of something slow (a verifier, an officer), addressed to the attempt that asked for it.

    `attempt` is random and never comes again, so an answer about one claim can never be taken for one about another.
    """

    flow: str
    key: str
    attempt: str
    value: Any = None
    error: str = ""
    params: Mapping[str, object] = field(default_factory=dict)


@frozen
class Refresh:
    """Something that a question shows has changed, by nobody's answer: what is asked now is shown, if that question is
    still the one on the screen. If not, `elsewhere` (a catalogue key, or empty) is said, so that nobody waits for it.
    `say` is said in any case."""

    flow: str
    key: str
    elsewhere: str
    say: "tuple[Say, ...]" = ()


Event = Opened | Text | Press | File | Other | Unsent | Left | Invited | Result | Refresh


# --- out ------------------------------------------------------------------------------------------------------------


@frozen
class Say:
    """Words to show: a catalogue key and what fills it."""

    text: str
    params: Mapping[str, object] = field(default_factory=dict)


Style = Literal["primary", "normal", "quiet"]
Input = Literal["text", "digits", "email", "none"]
PICTURES = 3  # in a message: LINE takes five parts, with the words and the card


@frozen
class Button:
    """`label` is rendered words; `data` comes back in a `Press`. `link`: it opens this page of ours (a path)."""

    label: str
    data: str
    style: Style = "normal"
    link: str = ""


@frozen
class Message:
    """One rendered message, in one language: what every channel gets and turns into its own payload.

    `fresh`: a session began or ended; a channel that can take down what stood before does so. `busy`: something slow
    has begun that takes up to so many seconds; a channel that can show so does. `pictures`: paths of JPEGs to show
    after the lines, for whoever knows them, without login; at most `PICTURES`.
    """

    lines: tuple[str, ...]
    buttons: tuple[Button, ...] = ()
    input: Input = "text"
    language: Language = "th"
    fresh: bool = False
    busy: int = 0
    pictures: tuple[str, ...] = ()
