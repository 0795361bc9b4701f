"""A vault made from MASTER_KEY alone would look for people under another index: there is one way to open a database."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_only_keys_makes_a_vault() -> None:
    makers = {
        str(file.relative_to(ROOT))
        for folder in ("bot", "handlers", "storage")
        for file in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Vault"
    }
    assert makers == {"storage/keys.py"}
