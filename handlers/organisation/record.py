"""Effects of the conversations about the second factor."""

from bot import page_links
from bot.events import Invalid
from bot.times import MINUTE, local_date
from bot.topic import Context
from handlers.organisation import authority, factor_page, factors, proofs
from handlers.organisation import effects as do


async def _officer(context: Context) -> str:
    """→ the person's id. Raises `Invalid` unless they hold a role just now."""
    visitor = context.visitor
    today = local_date(context.now, context.settings.timezone)
    if visitor.person_id and visitor.logged_in:
        found = await authority.officer(context.tx, context.vault, visitor.person_id, today)
        if found is not None:
            return found.person_id
    raise Invalid("not_officer")


async def needs_factor(context: Context, _: do.NeedsFactor) -> bool:
    officer = await _officer(context)
    if await factors.lost(context.tx, context.vault, officer):
        raise Invalid("factor_lost")
    return not await factors.enrolled(context.tx, officer)


async def open_factor_page(context: Context, _: do.OpenFactorPage) -> dict[str, str]:
    if await factors.enrolled(context.tx, await _officer(context)):
        raise Invalid("factor_enrolled")
    if not 0 <= context.now - context.visitor.confirmed_at <= context.settings.step_up_minutes * MINUTE:
        raise Invalid("start_over")
    return {"path": await page_links.open_link(context, factor_page.PREFIX, factor_page.PURPOSE, {})}


async def factor_set_up(context: Context, _: do.FactorSetUp) -> bool:
    if not await factors.enrolled(context.tx, await _officer(context)):
        raise Invalid("factor_not_yet")
    return True


async def check_factor(context: Context, effect: do.CheckFactor) -> bool:
    person, visitor = await _officer(context), context.visitor
    assert visitor.person_key is not None
    assert visitor.session is not None
    tx, vault, settings, now = context.tx, context.vault, context.settings, context.now
    await factors.check(tx, vault, settings, person, visitor.person_key, effect.code, now)
    await proofs.prove(tx, vault, settings, visitor.id, person, visitor.id, visitor.session, now)
    return True
