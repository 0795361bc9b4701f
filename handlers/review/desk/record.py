"""The link from the chat to the desk."""

from bot import page_links
from bot.events import Invalid
from bot.times import local_date
from bot.topic import Context
from handlers.organisation import authority
from handlers.review.desk import effects as do
from handlers.review.desk.entering import MINUTES, PREFIX, PURPOSE


async def open_desk(context: Context, _effect: do.OpenDesk) -> dict[str, str]:
    person, today = context.visitor.person_id, local_date(context.now, context.settings.timezone)
    if person is None or await authority.officer(context.tx, context.vault, person, today) is None:
        raise Invalid("not_officer")
    return {"path": await page_links.open_link(context, PREFIX, PURPOSE, {}, minutes=MINUTES)}
