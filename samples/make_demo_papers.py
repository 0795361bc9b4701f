"""Makes the papers that lie ready for the demo, in `samples/papers/`: `python samples/make_demo_papers.py`.

They are Somchai's, as `make_papers.py` draws them, and the order by which Malee acts for HR; small, as they stand in
the repository, so that the demo needs no development tools. This script does.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # run by hand, from anywhere

from samples import make_papers  # noqa: E402
from samples.paper_forms import ORDER, drawn  # noqa: E402

PHOTO = (1440, 1080)
FOLDER = HERE / "papers"
PAPERS: Mapping[str, Callable[[], bytes]] = {
    "1_id_card_front.jpg": lambda: make_papers.photo("id_card", PHOTO, quality=60),
    "1_id_card_back.jpg": lambda: make_papers.photo("id_card_back", PHOTO, quality=60),
    "2_house_registration_scan.pdf": lambda: make_papers.scan("house_registration", dpi=110, quality=50),
    "3_father_death_certificate.heic": lambda: make_papers.heic("death_certificate", PHOTO, quality=32),
    "4_mother_card.jpg": lambda: make_papers.photo("mother_card", PHOTO, quality=60),
    "7_degree.pdf": lambda: make_papers.pdf("degree"),
    "7_transcript.pdf": lambda: make_papers.pdf("transcript"),
    "order.pdf": lambda: drawn(ORDER),
    "x_locked.pdf": make_papers.BAD["locked.pdf"],
    "x_truncated.pdf": make_papers.BAD["truncated.pdf"],
}


def make() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, made in PAPERS.items():
        content = made()
        (FOLDER / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    make()
