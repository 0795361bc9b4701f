import sys

import pytest

from bot import logs


class FullDisk:
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's own "waits for the database" ended the worker, when the disk was full for both."""
    monkeypatch.setattr(sys, "stderr", FullDisk())
    for level in ("info", "warning", "error"):
        getattr(logs._Forgiving(), level)("outbox_waits_for_database")
