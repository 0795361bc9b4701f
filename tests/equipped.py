"""What a topic is made with, where nothing of it is used: to look at what topics bring."""

from pathlib import Path
from typing import Any

from bot.papers.room import Papers
from bot.policy import Policy
from bot.settings import Settings
from bot.text import Texts
from bot.topic import Equipment
from storage.files import Files
from storage.folder import Folder
from storage.vault import Vault


def equipment(settings: Settings, vault: Vault) -> Equipment:
    nowhere: Any = None
    files = Files(nowhere, Folder(Path("/nowhere")))
    return Equipment(nowhere, vault, Policy(settings, lambda: 0), Texts(), files, Papers(), {}, lambda: 0)
