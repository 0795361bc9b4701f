"""What attacks on codes share."""

import asyncio

from tests.house import House

OTHER = ("1999900000102", "person010@example.go.th")  # somebody else with an address


async def arrived(house: House, mails: int) -> None:
    """Wait until so many mails have come in all."""
    async with asyncio.timeout(10):
        while len(house.post.mails) < mails:
            house.post.arrived.clear()
            await house.post.arrived.wait()
