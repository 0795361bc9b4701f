"""What the conversations about papers ask the shell to do. Values only; `record` performs them.

`campaign`, `slot`: which paper (`rules.py`). `version`: of the paper that was on the screen; another one has come since
where it is not that one any more.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class SaveFamily:
    """`answers`: the fields of `rules.Family`, sorted."""

    answers: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class TakeFile:
    """A file was announced for this paper. → None: it is fetched and looked at, and a `Refresh` follows."""

    campaign: str
    slot: str
    name: str
    mime: str
    size: int
    reference: str
    place: tuple[int, int]


@dataclass(frozen=True)
class Finish:
    """These pages are all of it. A PDF is the paper at once; photos are bound into one, later. → true"""

    campaign: str
    slot: str
    pages: tuple[str, ...]


@dataclass(frozen=True)
class Discard:
    """What was sent for this paper, and the paper itself, unless it has been submitted. `seen`: which draft or version
    of it was on the screen."""

    campaign: str
    slot: str
    seen: str


@dataclass(frozen=True)
class AskWaiver:
    """The person has no such paper; HR is asked to do without."""

    campaign: str
    slot: str


@dataclass(frozen=True)
class DeclareSigned:
    """The person has signed every page by hand, and says so."""

    campaign: str
    slot: str
    version: int


@dataclass(frozen=True)
class OpenPage:
    """→ {"path"} of the page on which this paper is signed"""

    campaign: str
    slot: str
    version: int


@dataclass(frozen=True)
class Stamp:
    """Mark every page, with the signature that is kept. → true, later"""

    campaign: str
    slot: str
    version: int


@dataclass(frozen=True)
class Submit:
    """`papers`: (slot, version) of each that was named in the summary; what is handed in is frozen by its hash.
    `asked`: slots that HR is to waive. → how many, as a `Say`"""

    campaign: str
    papers: tuple[tuple[str, int], ...]
    asked: tuple[str, ...]
