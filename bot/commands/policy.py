"""`kp7 policy`: the rules that the office decides, from a day on."""

from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from bot.commands.common import (
    By,
    Json,
    cli_language,
    complain,
    moment,
    operator,
    say,
    say_json,
    settings_or_exit,
    with_database,
)
from bot.settings import Settings

app = typer.Typer(help="The rules that the office decides.", no_args_is_help=True)
DAY = "YYYY-MM-DD"
Name = Annotated[str, typer.Argument(help="As in `kp7 policy list`.")]


@app.command("list")
def list_rules(as_json: Json = False) -> None:
    """Every rule, its value today, and what will change."""
    states, _ = _read()
    if as_json:
        say_json(list(states.values()))
    else:
        for state in states.values():
            _tell(state)


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """One rule: in words, its value today, and all its rows."""
    from bot.text import Texts

    states, rows = _read()
    if name not in states:
        complain(f"There is no rule {name!r}. `kp7 policy list` shows them all.")
        raise typer.Exit(2)
    state, words = states[name], Texts()(cli_language(), f"policy.{name}")
    rows = [row for row in rows if row["rule"] == name]
    if as_json:
        say_json({**state, "means": words, "rows": rows})
        return
    say(words + (f" ({state['letter']})" if state["letter"] else ""))
    _tell(state)
    _tell_rows(rows)


@app.command("set")
def set_rule(
    name: Name,
    value: Annotated[str, typer.Argument(help="A number, a day (CE), or 0 and 1.")],
    since: Annotated[str, typer.Option("--from", metavar=DAY, help="First day (CE), not before today.")],
    until: Annotated[str | None, typer.Option(metavar=DAY, help="Last day, for an exception.")] = None,
    by: By = "",
) -> None:
    """A rule has this value from that day on. Running servers hear of it within a second."""
    from bot import policy
    from bot.times import local_date, wall_clock
    from storage.database import retried

    base = settings_or_exit()

    @retried
    async def work(_: Settings, database: Any, vault: Any) -> None:
        parsed, now = policy.parse(name, value), wall_clock()
        first, last = policy.days(since, until, local_date(now, base.timezone))
        entry = policy.new_entry(name, parsed, first, last, operator(by), now)
        async with database.write() as tx:
            await policy.set_rule(tx, vault, base, entry)

    try:
        with_database(work)
    except policy.Refused as refused:
        complain(str(refused))
        raise typer.Exit(2) from None
    say("set")


@app.command()
def history(as_json: Json = False) -> None:
    """Every row, in the order in which they were set: what, from when, by whom."""
    _, rows = _read()
    if as_json:
        say_json(rows)
    else:
        _tell_rows(rows)


def _read() -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Every rule as it is today, by name; every row, the oldest first."""
    from bot import policy
    from bot.times import local_date, wall_clock

    async def work(_settings: Settings, database: Any, vault: Any) -> list[policy.Entry]:
        async with database.read() as tx:
            return (await policy.read_all(tx, vault))[0]

    base, entries = settings_or_exit(), with_database(work)
    today = local_date(wall_clock(), base.timezone)
    counts = policy.standing(base, entries, today)

    def state(name: str) -> dict[str, Any]:
        entry, given = counts.get(name), name in base.model_fields_set
        return {
            "rule": name,
            "value": _shown(entry.value if entry else getattr(base, name)),
            "since": entry.valid_from.isoformat() if entry else None,
            "set_in": "policy" if entry else "environment" if given else "default",
            "letter": policy.RULES[name] or None,
            "later": [_row(base, e) for e in entries if e.name == name and e.valid_from > today],
        }

    return {name: state(name) for name in policy.RULES}, [_row(base, entry) for entry in entries]


def _row(base: Settings, entry: Any) -> dict[str, Any]:
    return {
        "rule": entry.name,
        "value": _shown(entry.value),
        "from": entry.valid_from.isoformat(),
        "until": entry.valid_until.isoformat() if entry.valid_until else None,
        "by": entry.set_by,
        "at": moment(entry.set_at, ZoneInfo(base.timezone)),
    }


def _shown(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _tell(state: dict[str, Any]) -> None:
    where = f"policy since {state['since']}" if state["since"] else state["set_in"]
    later = "".join(f"; {row['value']} from {row['from']}" for row in state["later"])
    say(f"{state['rule']:<32} {state['value']!s:<11} {where}{later}")


def _tell_rows(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        days = f"{row['from']} to {row['until']}" if row["until"] else f"from {row['from']}"
        say(f"{row['at']}  {row['by']}  {row['rule']} = {row['value']}  {days}")
