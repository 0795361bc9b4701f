"""Locales to words. Code names sentences by key (`ask.national_id`); the sentences live in `locales/` as gettext
catalogues.

Parameters are filled by language: a date becomes words (Buddhist Era in Thai), a `Say` is itself rendered first.
"""

import datetime as dt
import gettext
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from bot.events import LANGUAGES, Language, Say
from bot.thai import ascii_digits, clean, format_date, format_time

_GAP = re.compile(r"\n{3,}")  # where nothing was to be filled in
_KEY = re.compile(r"(?:[a-z_.]|[0-9](?![0-9])){1,60}")
LOCALES = Path(__file__).resolve().parent.parent / "locales"


class MissingWords(KeyError):
    """`key`: what a catalogue lacks, fit for a log: keys are made of names in the code, and have no long numbers."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key if _KEY.fullmatch(key) else "?"


class Texts:
    """`texts("th", "ask.email", masked=…)`. `used` collects the keys: a test proves the catalogues complete."""

    def __init__(self, folder: Path = LOCALES, timezone: str = "Asia/Bangkok") -> None:
        self.timezone = ZoneInfo(timezone)
        self.used: set[str] = set()
        self._words: dict[str, frozenset[str]] = {}
        self._catalogues = {language: _load(folder / language / "LC_MESSAGES" / "kp7.mo") for language in LANGUAGES}

    def __call__(self, language: Language, key: str, params: Mapping[str, object] = MappingProxyType({})) -> str:
        """Raises `MissingWords` where the catalogue lacks the key: a missing sentence is a bug, not a thing to show."""
        self.used.add(key)
        words = self._catalogues[language].get(key)
        if words is None:
            raise MissingWords(key)
        if not params:
            return words.format()
        filled = words.format_map({k: self._fill(language, v) for k, v in params.items()})
        return _GAP.sub("\n\n", filled).strip() if "\n" in filled else filled

    def say(self, language: Language, say: Say) -> str:
        return self(language, say.text, say.params)

    def has(self, key: str) -> bool:
        return all(key in catalogue for catalogue in self._catalogues.values())

    def keys(self, language: Language) -> frozenset[str]:
        return frozenset(self._catalogues[language])

    def prefixed(self, language: Language, *prefixes: str) -> dict[str, str]:
        """All sentences of one page, for scripts that run in a browser."""
        return {k: v for k, v in self._catalogues[language].items() if k.startswith(prefixes)}

    def words(self, key: str) -> frozenset[str]:
        """What people type for the command `key`, in any language, folded. The catalogues part the words by `|`."""
        if key not in self._words:
            texts = [self(language, key) for language in LANGUAGES]
            self._words[key] = frozenset(fold(word) for text in texts for word in text.split("|"))
        return self._words[key]

    def _fill(self, language: Language, value: object) -> object:
        match value:
            case Say():
                return self.say(language, value)
            case tuple():
                return "\n".join(str(self._fill(language, v)) for v in value)
            case dt.datetime():
                return format_time(value.astimezone(self.timezone), language)
            case dt.date():
                return format_date(value, language)
        return value


def fold(text: str) -> str:
    """What is compared when words are typed: spaces, case and Thai digits do not matter."""
    return ascii_digits(clean(text)).casefold().replace(" ", "")


def _load(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)
    except FileNotFoundError:
        raise SystemExit(f"{path.name} of {path.parts[-3]} is not compiled yet: run `make setup`") from None
    # `_catalog` is how the standard library keeps it; going through `gettext()` would hide a missing key.
    messages: dict[str, str] = catalogue._catalog  # type: ignore[attr-defined]
    return {key: words for key, words in messages.items() if key}
