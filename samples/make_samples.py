"""Makes the invented organisations and people next to this file: `python samples/make_samples.py`.

The same seed gives the same files, on every Python: only `Random.random` is used, which Python promises to keep. All
names, numbers and addresses are made up and look it: IDs begin with 1-9999, telephone numbers read 08x-000-xxxx,
addresses end in example.go.th or example.com. The formats, on the other hand, are mixed as they are in real files:
Thai digits, dashes, dates in several shapes, titles glued to names.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by hand, from anywhere

from samples.readme import readme
from samples.tables import dpis_csv, organisations_csv, roster_csv, uncertified_csv

HERE = Path(__file__).resolve().parent


def files() -> dict[str, bytes]:
    """All that this script writes: file name to content."""
    return {
        "organisations.csv": organisations_csv(),
        "roster.csv": roster_csv(),
        "roster_dpis.csv": dpis_csv(),
        "uncertified.csv": uncertified_csv(),
        "README.md": readme().encode(),
    }


def main() -> None:
    for name, content in files().items():
        (HERE / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
