"""What files are called outside the chat."""

from bot.text import Texts
from handlers.documents.naming import names

Row = dict[str, str | None]


def test_files_bear_the_names_of_their_papers_and_no_two_the_same() -> None:
    papers: list[Row] = [
        {"slot": "id_card", "file_id": "a", "stamped_id": "b", "preview_id": "c"},
        {"slot": "child.2", "file_id": "d", "stamped_id": None, "preview_id": None},
        {"slot": "id_card", "file_id": "e", "stamped_id": None, "preview_id": None},  # in another campaign
    ]
    pages: list[Row] = [{"slot": "entry.degree", "file_id": id, "preview_id": None} for id in "fg"]
    assert names(papers, pages, Texts(), "en") == {
        "a": "01 ID card", "b": "01 ID card stamped", "c": "01 ID card preview", "d": "062 ID card of child 2",
        "e": "01 ID card 2", "f": "07a Degree you were appointed with page",
        "g": "07a Degree you were appointed with page 2",
    }  # fmt: skip
    assert names(papers, pages, Texts(), "th")["a"] == "01 บัตรประชาชน"
