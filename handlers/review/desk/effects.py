"""What the conversation about the desk asks the shell to do. Values only; `record` performs them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OpenDesk:
    """→ {"path"}: of the page that leads to the desk, for one browser. Refused to who is no officer."""
