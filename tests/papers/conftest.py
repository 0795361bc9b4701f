from importlib import import_module

import pytest

from bot.papers import child, wire
from bot.papers.process import Workshop
from bot.papers.room import Papers
from bot.papers.shapes import LIMITS


class Here(Workshop):
    """Does the jobs in this process, as the child would: a third of a second less each."""

    async def run(self, name: str, *job: bytes) -> bytes:
        return child.answered(import_module(child.JOBS[name]).job, *wire.unpack(b"".join(job)))


@pytest.fixture
def papers() -> Papers:
    """For what is done to papers."""
    papers = Papers()
    papers._workshop = Here(LIMITS)
    return papers


@pytest.fixture
def apart() -> Papers:
    """As in the house: each job in a child. For what happens to children."""
    return Papers()
