"""What the files of papers are called for whoever is given them outside the chat."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from bot.events import Language
from bot.text import Texts
from handlers.documents.rules import slot_of
from handlers.documents.script import name_of

_PAPER = {"file_id": "", "stamped_id": "stamped", "preview_id": "preview"}
_PAGE = {"file_id": "page", "preview_id": "preview"}


def names(
    papers: Iterable[Mapping[str, Any]], pages: Iterable[Mapping[str, Any]], texts: Texts, language: Language
) -> dict[str, str]:
    """Rows of both tables → id of a file → its name without an ending, each another one: number and paper as on the
    letter's list, and what is not the paper itself."""
    found: dict[str, str] = {}
    seen: Counter[str] = Counter()
    for rows, columns in ((papers, _PAPER), (pages, _PAGE)):
        for row in rows:
            slot = slot_of(row["slot"])
            for column, what in columns.items():
                if id := row[column]:
                    parts = (slot.number, texts.say(language, name_of(slot)), *([what] if what else []))
                    name = " ".join(parts)
                    seen[name] += 1
                    found[id] = name if seen[name] == 1 else f"{name} {seen[name]}"
    return found
