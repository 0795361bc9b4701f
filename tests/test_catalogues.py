"""Both catalogues are complete, say the same thing, and hold nothing that nobody says."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import regex

from bot import walk
from bot.flow import Ask, Step
from bot.screen import help_for, render
from bot.text import Texts
from handlers.documents.script import MARKED
from tests.house import House, a_house
from tests.journeys.papers import everything_about_papers
from tests.journeys.reviewing import comes_to_the_desk, reviewed
from tests.journeys.test_absence import hands_over
from tests.journeys.test_identity import JOURNEYS
from tests.journeys.test_requests import asks_for_help
from tests.journeys.test_second_factor import sets_up_a_second_factor

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
LINKED = ("certify", "desk", "factor_page", "paperpage")
PREFIXES = (
    "ask.",
    "choice.",
    "help.",
    "error.",
    "cell.",
    "menu.",
    "act.",
    "wait.",
    "resume.",
    "way.",
    "words.start.",
    "words.",
    "mail.",
    "policy.",
    "reason.",
    "web.error.",
)
PAGES = ("web.", "mailbox.")


def braces(words: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", words))


def test_both_languages_have_the_same_keys_and_fill_in_the_same_things() -> None:
    assert TH.keys() == EN.keys()
    assert {key for key in TH if braces(TH[key]) != braces(EN[key])} == set()
    assert {key for key in TH if not TH[key].strip() or not EN[key].strip()} == set()


def test_one_word_for_one_thing() -> None:
    """In Thai: a code is รหัสยืนยัน, which nobody takes for a password; a signature ลายมือชื่อ; a mailbox อีเมล."""
    not_codes = re.compile("ไฟล์.*รหัสผ่าน|PDF.*รหัสผ่าน")
    for key, words in TH.items():
        assert "ลายเซ็น" not in words, key
        assert "รหัสผ่าน" not in words or not_codes.search(words), key
        assert key.startswith("words.") or not re.search("[Ee]-?mail", re.sub(r"{\w+}", "", words)), key


@pytest.mark.parametrize("catalogue", [TH, EN], ids=["th", "en"])
def test_the_line_of_marks_breaks_between_its_words_only(catalogue: dict[str, str]) -> None:
    """A narrow phone breaks at a space, and within Thai wherever it finds a word to end."""
    legend = [catalogue[f"legend.{state}"] for state in MARKED]
    assert [label.split("\u00a0")[0] for label in legend] == [catalogue[f"mark.{state}"] for state in MARKED]
    assert not any(" " in label for label in legend)
    if catalogue is TH:
        assert all("\u2060" in label for label in legend)


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
        if key.startswith(("control.", "choice.", "menu.", "act.", "reason.")) and len(regex.findall(r"\X", label)) > 27
    }
    assert long == {}


def test_no_sentence_is_left_over() -> None:
    def said(key: str) -> bool:
        names = [key, *(key.removeprefix(prefix) for prefix in PREFIXES if key.startswith(prefix))]
        names += [f"ask.{name}" for name in names]  # help about a question
        names += [name.removesuffix(part) for name in names for part in (".subject", ".body")]
        names += [key.replace(".on", "."), key.replace("_on", "_"), key.replace(".off", "."), key.replace("_off", "_")]
        return any(f'"{name}"' in CODE or f"'{name}'" in CODE or f'"{name}{{' in CODE for name in names)

    made_of_names = (  # of channels, of kinds of input, of papers and of where they stand, of why one is refused
        "way.", "web.placeholder.", "paper.", "mark.", "legend.", "error.paper_",
        "describe.", "error.item_", "choice.decide_", "channel.", "error.reason_",  # of what waits for officers
        "choice.waive_", "prompt.kind_", "review.", "verdicts.",  # and of how it was decided
        "cli.stage.",  # and of how far somebody is
        "desk.certified_", "desk.fact_", "desk.key_", "desk.kind_", "desk.number_", "desk.part_", "desk.verdict_",
        # and of the pages that links lead to (`bot/templates`)
        *(f"{topic}.{what}" for topic in LINKED for what in ("title", "open", "gone")),
    )  # fmt: skip
    assert {key for key in TH if not said(key) and not key.startswith(made_of_names)} == set()


async def test_every_flow_has_its_place_in_the_menu_and_its_way_back(house: House) -> None:
    registry = house.kp7.registry
    needed = {f"{prefix}.{flow}" for flow in registry.offered for prefix in ("menu", "words.start")}
    needed |= {f"resume.{flow}" for flow in registry.flows} | {f"act.{flow}" for flow in registry.acts.values()}
    assert needed - TH.keys() == set()


def test_every_sentence_that_the_code_names_exists() -> None:
    """Read from the source: `Invalid("…")`, `Say("…")`, `Ask("…")`, `Choice("…")`, `Words("…")`."""
    prefix = {"Invalid": "error.", "Say": "", "Ask": "ask.", "Choice": "choice.", "Words": ""}
    # of the folder whose other modules find fault with cells of a file
    said_in_chats = {"absences", "factors", "proofs", "record", "script"}
    needed: set[str] = set()
    for file in (f for folder in ("bot", "handlers") for f in (ROOT / folder).rglob("*.py")):
        for call in (node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)):
            function = call.func.value if isinstance(call.func, ast.Subscript) else call.func
            name = function.id if isinstance(function, ast.Name) else ""
            of_cells = "organisation" in file.parts and file.stem not in said_in_chats
            words_of = {**prefix, "Invalid": "cell."} if of_cells else prefix
            own_words = any(keyword.arg in ("text", "label") for keyword in call.keywords)
            match call.args:
                case [ast.Constant(value=str(key)), *_] if name in prefix and not own_words:
                    needed.add(words_of[name] + key)
    assert len(needed) > 80
    assert needed - TH.keys() == set()


def test_what_is_wrong_with_a_cell_is_not_said_to_whom_it_belongs() -> None:
    """Nobody types an export again."""
    readers = {"_only_digits", "national_id", "laser_code", "parse_date", "birth_date", "email", "phone"}
    functions = [
        node
        for file in (ROOT / "bot/thai").glob("*.py")
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    ]
    source = "".join(ast.unparse(node) for node in functions if node.name in readers)
    codes = set(re.findall(r"Invalid\('(\w+)'", source))
    assert len(codes) == 9
    assert {f"cell.{code}" for code in codes} - TH.keys() == set()
    for words in (TH, EN):
        cells = {key: said for key, said in words.items() if key.startswith("cell.")}
        assert {
            key for key, said in cells.items() if re.search(r"\b[Tt]ype (?!of)|\byour?\b|(?<!เ)ท่าน|พิมพ์อีกครั้ง", said)
        } == set()


# What help each question gets, where there is any besides the general one. Another question's help is a wrong one.
HELPED = {
    **{f"ask.{name}": f"help.{name}" for name in (
        "notice", "national_id", "code", "group", "name", "birth_date", "laser", "email", "email_again",
        "father", "mother", "spouse", "children", "same_degree", "licence", "name_changed",
        "checklist", "pages", "pages_card", "pages_child", "waiver", "certify", "unmarked", "sign", "submit",
        "factor",
    )},
    **dict.fromkeys(("ask.ask_hr", "ask.ask_hr_more"), "help.ask_hr"),
    **{f"ask.checklist_{name}": "help.checklist" for name in ("ready", "waiting", "complete")},
    **{f"ask.pages_{name}": "help.pages" for name in ("house", "more", "pdf")},
}  # fmt: skip


# Those of one line walk in one house; officers begin in a house of their own.
WALKS = (
    (*JOURNEYS, everything_about_papers, asks_for_help),
    (sets_up_a_second_factor,),
    (hands_over,),
    (reviewed,),
    (comes_to_the_desk,),
)


async def everywhere(folder: Path, language: str) -> set[str]:
    """Past every question that there is. → the keys of all that was said"""
    said: set[str] = set()
    for n, journeys in enumerate(WALKS):
        (folder / str(n)).mkdir()
        async with a_house(folder / str(n)) as house:
            for journey in journeys:
                await journey(house, await house.somebody(language))
                house.clock.forward(days=2)
            said |= house.kp7.texts.used
    return said


async def test_no_question_gets_the_help_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, str] = {}

    def noting(step: Step, *rest: Any) -> Any:
        if isinstance(step.open, Ask):
            found[step.open.words] = help_for(step, TEXTS).text
        return render(step, *rest)

    monkeypatch.setattr(walk, "render", noting)
    await everywhere(tmp_path, "th")
    assert len(found) > 45
    assert {question: said for question, said in found.items() if said != "help.general"} == HELPED


@pytest.mark.parametrize("language", ["th", "en"])
async def test_no_journey_lacks_a_sentence(tmp_path: Path, language: str) -> None:
    """A missing key raises; and the journeys do walk through most of what can be said."""
    said = {key for key in await everywhere(tmp_path, language) if not key.startswith(PAGES)}
    questions = {key for key in TH if key.startswith("ask.")}
    elsewhere = {"ask.certify_by_hand", "ask.kept_received_blank"}  # no other is taken; there are empty pages
    assert questions - said == elsewhere
    assert said <= TH.keys()
