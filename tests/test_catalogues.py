"""Both catalogues are complete, say the same thing, and hold nothing that nobody says."""

import ast
import re
from pathlib import Path

import pytest
import regex

from bot.text import Texts
from bot.topic import Registry
from handlers import topics
from tests.house import House
from tests.journeys.test_identity import JOURNEYS

ROOT = Path(__file__).parent.parent
TEXTS = Texts()
TH = TEXTS.prefixed("th", "")
EN = TEXTS.prefixed("en", "")
CODE = "\n".join(
    file.read_text("utf-8")
    for folder in ("bot", "handlers")
    for kind in ("*.py", "*.js", "*.html")
    for file in (ROOT / folder).rglob(kind)
)
# Keys made of a fixed part and a name that stands in the code by itself: ask.<question>, error.<code>, …
PREFIXES = (
    "ask.",
    "choice.",
    "help.",
    "error.",
    "menu.",
    "wait.",
    "resume.",
    "way.",
    "words.start.",
    "words.",
    "mail.",
    "policy.",
)
PAGES = ("web.", "mailbox.")


def braces(words: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", words))


def test_both_languages_have_the_same_keys_and_fill_in_the_same_things() -> None:
    assert TH.keys() == EN.keys()
    assert {key for key in TH if braces(TH[key]) != braces(EN[key])} == set()
    assert {key for key in TH if not TH[key].strip() or not EN[key].strip()} == set()


def test_thai_is_polite_in_one_voice_and_english_is_english() -> None:
    spoken = {key: words for key, words in TH.items() if not key.startswith("words.")}
    assert {key for key, words in spoken.items() if re.search("ครับ|(?<!ขอบ)คุณ", words)} == set()
    allowed = ("words.", "control.language", "ask.name", "help.general", "error.name_format", "ask.birth_date")
    thai = {key for key, words in EN.items() if re.search("[฀-๿]", words.replace("ก.พ.๗", ""))}
    assert {key for key in thai if not key.startswith(allowed)} == set()


@pytest.mark.parametrize("words", [TH, EN], ids=["th", "en"])
def test_labels_fit_every_channel(words: dict[str, str]) -> None:
    """A button that stands alone holds 40 graphemes everywhere, and on a phone of 360 px about 27 on one line."""
    long = {
        key: label
        for key, label in words.items()
        if key.startswith(("control.", "choice.", "menu.")) and len(regex.findall(r"\X", label)) > 27
    }
    assert long == {}


def test_no_sentence_is_left_over() -> None:
    def said(key: str) -> bool:
        names = [key, *(key.removeprefix(prefix) for prefix in PREFIXES if key.startswith(prefix))]
        names += [name.removesuffix(part) for name in names for part in (".subject", ".body")]
        names += [key.replace(".on", "."), key.replace("_on", "_"), key.replace(".off", "."), key.replace("_off", "_")]
        return any(f'"{name}"' in CODE or f'"{name}{{' in CODE for name in names)

    made_of_names = ("way.", "web.placeholder.")  # of channels and of kinds of input
    assert {key for key in TH if not said(key) and not key.startswith(made_of_names)} == set()


async def test_every_flow_has_its_place_in_the_menu_and_its_way_back(house: House) -> None:
    flows = Registry(topics(house.kp7.vault, house.kp7.policy)).flows
    needed = {f"{prefix}.{flow}" for flow in flows for prefix in ("menu", "words.start", "resume")}
    assert needed - TH.keys() == set()


def test_every_sentence_that_the_code_names_exists() -> None:
    """Read from the source: `Invalid("…")`, `Say("…")`, `Ask("…")`, `Choice("…")`, `Words("…")`."""
    prefix = {"Invalid": "error.", "Say": "", "Ask": "ask.", "Choice": "choice.", "Words": ""}
    needed: set[str] = set()
    for file in (f for folder in ("bot", "handlers") for f in (ROOT / folder).rglob("*.py")):
        for call in (node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)):
            function = call.func.value if isinstance(call.func, ast.Subscript) else call.func
            name = function.id if isinstance(function, ast.Name) else ""
            own_words = any(keyword.arg in ("text", "label") for keyword in call.keywords)
            match call.args:
                case [ast.Constant(value=str(key)), *_] if name in prefix and not own_words:
                    needed.add(prefix[name] + key)
    assert len(needed) > 80
    assert needed - TH.keys() == set()


@pytest.mark.parametrize("language", ["th", "en"])
async def test_no_journey_lacks_a_sentence(house: House, language: str) -> None:
    """A missing key raises; and the journeys do walk through most of what can be said."""
    for journey in JOURNEYS:
        chat = await house.somebody(language)
        await journey(house, chat)
        house.clock.forward(days=2)
    said = {key for key in house.kp7.texts.used if not key.startswith(PAGES)}
    questions = {key for key in TH if key.startswith("ask.")}
    assert questions - said == set()
    assert said <= TH.keys()
