"""`kp7 policy`: the rules that the office decides, from a day on."""

import json
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.commands.common import By, Json, cli_language, err, operator, out, settings_or_exit, with_database
from bot.settings import Settings

app = typer.Typer(help="The rules that the office decides.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="As in `kp7 policy list`.")]


@app.command("list")
def list_rules(as_json: Json = False) -> None:
    """Every rule, its value today, and what will change."""
    from bot.policy import RULES

    today, base, entries = _read()
    _tell([_state(base, entries, name, today) for name in RULES], as_json=as_json)


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """One rule: in words, its value today, and all its rows."""
    from bot.policy import RULES
    from bot.text import Texts

    today, base, entries = _read()
    if name not in RULES:
        err.print(f"There is no rule {name!r}. `kp7 policy list` shows them all.", highlight=False)
        raise typer.Exit(2)
    state = _state(base, entries, name, today)
    rows = [_row(base, entry) for entry in entries if entry.name == name]
    words = Texts()(cli_language(), f"policy.{name}")
    if as_json:
        print(json.dumps({**state, "means": words, "rows": rows}, ensure_ascii=False))
        return
    _say(words + (f" ({RULES[name]})" if RULES[name] else ""))
    _tell([state], as_json=False)
    _tell_rows(rows)


@app.command("set")
def set_rule(
    name: Name,
    value: Annotated[str, typer.Argument(help="A number, a day (CE), or 0 and 1.")],
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day (CE), not before today.")],
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day, for an exception.")] = None,
    by: By = "operator",
) -> None:
    """A rule has this value from that day on. Running servers hear of it within a second."""
    from bot import policy
    from bot.times import local_date, wall_clock

    base = settings_or_exit()

    async def work(_: Settings, database: Any, vault: Any) -> None:
        last = until.date() if until else None
        parsed = policy.parse(name, value)
        entry = policy.new_entry(name, parsed, since.date(), last, operator(by), wall_clock())
        if entry.valid_from < local_date(entry.set_at, base.timezone):
            raise policy.Refused("--from lies in the past: what was in force then cannot be changed any more.")
        async with database.write() as tx:
            await policy.set_rule(tx, vault, base, entry)

    try:
        with_database(work)
    except policy.Refused as refused:
        err.print(str(refused), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from None
    out.print("set")


@app.command()
def history(as_json: Json = False) -> None:
    """Every row, in the order in which they were set: what, from when, by whom."""
    _, base, entries = _read()
    rows = [_row(base, entry) for entry in entries]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
    else:
        _tell_rows(rows)


def _read() -> tuple[date, Settings, list[Any]]:
    """Today, the settings without rows, and the rows."""
    from bot import policy
    from bot.times import local_date, wall_clock

    async def work(_settings: Settings, database: Any, _vault: Any) -> list[Any]:
        async with database.read() as tx:
            return await policy.load(tx)

    base = settings_or_exit()
    return local_date(wall_clock(), base.timezone), base, with_database(work)


def _state(base: Settings, entries: list[Any], name: str, today: date) -> dict[str, Any]:
    from bot.policy import RULES, in_force

    entry = in_force(entries, name, today)
    given = name in base.model_fields_set
    return {
        "rule": name,
        "value": _plain(entry.value if entry else getattr(base, name)),
        "since": entry.valid_from.isoformat() if entry else None,
        "set_in": "policy" if entry else "environment" if given else "default",
        "letter": RULES[name] or None,
        "later": [_row(base, e) for e in entries if e.name == name and e.valid_from > today],
    }


def _row(base: Settings, entry: Any) -> dict[str, Any]:
    return {
        "rule": entry.name,
        "value": _plain(entry.value),
        "from": entry.valid_from.isoformat(),
        "until": entry.valid_until.isoformat() if entry.valid_until else None,
        "by": entry.set_by,
        "at": datetime.fromtimestamp(entry.set_at / 1000, ZoneInfo(base.timezone)).isoformat(timespec="seconds"),
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _tell(states: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(states, ensure_ascii=False))
        return
    for state in states:
        where = f"policy since {state['since']}" if state["since"] else state["set_in"]
        later = "".join(f"; {row['value']} from {row['from']}" for row in state["later"])
        _say(f"{state['rule']:<32} {state['value']!s:<11} {where}{later}")


def _tell_rows(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        days = f"{row['from']} to {row['until']}" if row["until"] else f"from {row['from']}"
        _say(f"{row['at']}  {row['by']}  {row['rule']} = {row['value']}  {days}")


def _say(words: str) -> None:
    out.print(words, markup=False, highlight=False, soft_wrap=True)
