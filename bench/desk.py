"""How long an officer waits at the review desk: `python -m bench.desk [papers]` (400), from the checkout.

A whole KP7 on loopback with as many papers as that of the sample people, two pages each; Chromium walks through them
with the key A. Measured in the browser: from the key press until the next paper's first page has been painted.
"""

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Page, async_playwright

from handlers.documents.rules import Family, Options, slots
from tests.browser.window import FLAGS, Window, chromium
from tests.cast import MALEE
from tests.desks import chats, link
from tests.house import House, a_house
from tests.officers import officer
from tests.papers import tools
from tests.signing import CAMPAIGN, taken

THINKS = 0.5  # seconds that somebody looks at a paper: meanwhile the next one is fetched

# Resolves with the milliseconds from the key press to the next paper painted.
WALK = """
() => new Promise((done) => {
  const before = document.body.dataset.shown;
  const began = performance.now();
  const look = () => {
    const now = document.body.dataset.shown;
    const empty = !document.querySelector("#items li");
    if ((now && now !== before) || empty) done(performance.now() - began);
    else requestAnimationFrame(look);
  };
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "a", code: "KeyA", bubbles: true }));
  look();
})
"""


async def main(papers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with a_house(Path(folder)) as house, async_playwright() as playwright:
            totp = await officer(house, MALEE.national_id)
            await chats(house)
            made = await hand_in(house, papers)
            browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            for thinks in (THINKS, 0.0):
                async with Window.at(browser, house, "th", {"width": 1366, "height": 768}) as desk:
                    house.clock.forward(minutes=1)
                    await desk.page.goto(house.url + await link(house))
                    await desk.page.locator("#open button").click()
                    await desk.page.locator("#code").fill(totp.at(house.clock() // 1000))
                    await desk.page.locator("#code").press("Enter")
                    found = await walk(desk.page, made // 2, thinks)
                report(found, thinks)
            await browser.close()


async def walk(page: Page, papers: int, thinks: float) -> list[float]:
    await page.wait_for_selector("body[data-shown]")
    found = []
    for _ in range(papers):
        await asyncio.sleep(max(thinks, 0.26))  # sooner a key does not count
        found.append(float(await page.evaluate(WALK)))
    return found


def report(found: list[float], thinks: float) -> None:
    cuts = statistics.quantiles(found, n=10)
    print(
        f"{len(found)} papers, looked at for {max(thinks, 0.26):.2f} s each: "
        f"median {statistics.median(found):.0f} ms, p90 {cuts[8]:.0f} ms, longest {max(found):.0f} ms"
    )


async def hand_in(house: House, papers: int) -> int:
    """Of the people in Malee's units, until there are so many. → how many"""
    from storage import files, people, seals
    from storage.ids import new_id
    from storage.stores import objects_at

    kp7, now = house.kp7, house.clock()
    paper = await taken(tools.transcript)
    kept = files.Files(kp7.database, objects_at(house.settings.files_address))
    async with kp7.database.write() as tx:
        await tx.run(
            "INSERT INTO campaigns (id, kind, name, upstream_due, due, late_days, options, made_at) "
            "VALUES (:id, 'documents', 'SEIS', '2026-12-31', '2026-12-15', 7, '{}', :now)",
            {"id": CAMPAIGN, "now": now},
        )
        await seals.seal_all(tx, kp7.vault)
        rows = await tx.all("SELECT id FROM people WHERE organisation_code LIKE 'D01%' AND status = 'active'")
    made = 0
    for row in rows:
        async with kp7.database.read() as tx:
            owner = await people.by_id(tx, kp7.vault, row["id"])
        if owner.profile["national_id"] == MALEE.national_id:
            continue  # nobody judges their own
        for slot in slots(Family(), Options()):
            if made == papers:
                return made
            file = await kept.put(owner.id, owner.key, paper.pdf, now)
            id = new_id()
            sheets = [[s.width, s.height, s.written] for s in paper.sheets]
            detail = {"sheets": sheets, "sha256": file.sha256, "file": file.id}
            async with kp7.database.write() as tx:
                assert await files.hold(tx, file.id, owner.id)
                await tx.run(
                    "INSERT INTO papers (id, campaign_id, person_id, slot, version, state, certified, key_id, file_id, "
                    "detail, content_index, at, submitted_at) VALUES (:id, :campaign, :person, :slot, 1, 'submitted', "
                    "'hand', :key, :file, :detail, :content, :now, :now)",
                    {
                        "id": id, "campaign": CAMPAIGN, "person": owner.id, "slot": slot.id, "key": owner.key.id,
                        "file": file.id, "detail": owner.key.seal(detail, "papers", id, "detail"), "now": now + made,
                        "content": files.content_index(kp7.vault, file.sha256),
                    },
                )  # fmt: skip
            made += 1
    return made


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 400))
