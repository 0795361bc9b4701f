from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from bot.events import Language
from tests.browser.window import FLAGS, Window, chromium
from tests.house import House, a_house


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests of a worker; each test gets a context, as fresh as a new installation."""
    found = chromium()
    if found is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on the PATH: the browser tests need one")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A KP7 with the sample roster, in the same loop as the browser."""
    async with a_house(tmp_path) as house:
        yield house


@pytest.fixture(params=["th", "en"])
def language(request: pytest.FixtureRequest) -> Language:
    return "en" if request.param == "en" else "th"


@pytest_asyncio.fixture(loop_scope="session")
async def window(browser: Browser, house: House, language: Language) -> AsyncIterator[Window]:
    """A browser before the chat page, narrow as a telephone. Complaints of the browser fail the test."""
    async with AsyncExitStack() as stack:
        window = await stack.enter_async_context(Window.at(browser, house, language))
        yield window
        window.check_quiet()
