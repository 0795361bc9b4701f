import logging
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[list[MutableMapping[str, Any]]]:
    """Everything that the house logs; what libraries log is in `caplog`."""
    caplog.set_level(logging.INFO)
    with structlog.testing.capture_logs() as lines:
        yield lines
