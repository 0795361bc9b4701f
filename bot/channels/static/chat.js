// The page: who is here, which phone is in front, and the stream that feeds them all.

import { addPerson, getPeople, Refused } from "./api.js";
import { Phone } from "./phone.js";
import { listen } from "./stream.js";
import { demo, firstLanguage, relabel, say } from "./texts.js";

const byId = (id) => document.getElementById(id);
const tabs = byId("tabs");
const add = byId("add");

const people = new Map(); // slot -> {phone, tab}
let most = 6;
let active = null;
let replayed = false;

function person(slot) {
  return people.get(slot) ?? welcome(slot);
}

function welcome(slot) {
  const phone = new Phone(slot, changed);
  const tab = byId("tab-template").content.firstElementChild.cloneNode(true);
  tab.firstElementChild.dataset.n = slot;
  relabel(tab, active?.phone.language ?? firstLanguage);
  const entry = { slot, phone, tab };
  people.set(slot, entry);
  tab.addEventListener("click", () => bringToFront(entry));
  phone.root.addEventListener("focusin", () => bringToFront(entry));
  phone.root.addEventListener("pointerdown", () => bringToFront(entry));

  // Slots are shown in their order, whatever order they were heard of in.
  const next = [...people.values()].filter((other) => other.slot > slot).sort((a, b) => a.slot - b.slot)[0];
  byId("phones").insertBefore(phone.root, next?.phone.root ?? null);
  tabs.insertBefore(tab, next?.tab ?? null);
  count();
  if (!active) bringToFront(entry);
  return entry;
}

function count() {
  tabs.hidden = people.size < 2;
  document.body.classList.toggle("several", people.size > 1);
  add.hidden = people.size >= most;
}

function bringToFront(entry) {
  if (active === entry) return;
  active = entry;
  for (const other of people.values()) {
    const front = other === entry;
    other.phone.root.classList.toggle("active", front);
    if (front) other.tab.setAttribute("aria-current", "true");
    else other.tab.removeAttribute("aria-current");
  }
  entry.tab.querySelector(".dot").hidden = true;
  entry.tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  speak(entry.phone.language);
}

function speak(language) {
  document.documentElement.lang = language;
  document.title = say(language, "web.title");
  relabel(byId("bar"), language);
  relabel(byId("lost"), language);
  relabel(tabs, language);
  byId("phones").setAttribute("aria-label", say(language, "web.title"));
}

function changed(phone, what) {
  const entry = people.get(phone.slot);
  if (what === "language" && entry === active) speak(phone.language);
  // Only phones that are hidden behind another one have something unread.
  const hidden = entry !== active && getComputedStyle(phone.root).visibility === "hidden";
  if (what === "message" && replayed && hidden) entry.tab.querySelector(".dot").hidden = false;
}

async function meet() {
  const answer = await getPeople();
  most = answer.max ?? most;
  for (const { slot } of answer.people) {
    const { phone } = person(slot);
    if (replayed) phone.ready();
  }
  count();
}

async function meetAtLast() {
  for (let wait = 1000; ; wait = Math.min(wait * 2, 15_000)) {
    try {
      return await meet();
    } catch {
      byId("lost").hidden = false;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

add.addEventListener("click", async () => {
  add.disabled = true;
  try {
    const { slot } = await addPerson();
    const entry = person(slot);
    if (replayed) entry.phone.ready();
    bringToFront(entry);
    entry.phone.root.scrollIntoView({ block: "nearest", inline: "center" });
    entry.phone.log.focus({ preventScroll: true });
  } catch (error) {
    const words = error instanceof Refused ? error.words : null;
    active.phone.tell(words?.[active.phone.language] ?? say(active.phone.language, "web.error"));
  } finally {
    add.disabled = false;
  }
});

// A file dropped beside a phone must not replace the page.
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => event.preventDefault());

// iOS lays its keyboard over the page instead of making the page smaller. (Zoomed in, the smaller view is the reader's own
// doing.)
const view = window.visualViewport;
view?.addEventListener("resize", () => {
  const covered = view.scale < 1.05 && view.height < innerHeight - 80;
  document.documentElement.style.setProperty("--height", covered ? `${view.height}px` : "100dvh");
  if (covered) scrollTo(0, 0);
});

// Pressed, a picture that was opened grows until its small print can be read; pressed beside it, it closes. So it does
// by Esc, and by its button.
byId("view").addEventListener("click", ({ currentTarget: opened, target }) => {
  if (!target.closest("img, .nearer")) return opened.close();
  const larger = opened.classList.toggle("larger");
  opened.querySelector(".nearer").setAttribute("aria-pressed", larger);
});

byId("mail").hidden = !demo;
speak(firstLanguage);
await meetAtLast();
listen({
  message(message) {
    const { phone } = person(message.slot);
    phone.show(message);
    if (replayed) phone.ready();
  },
  busy({ slot, seconds }) {
    people.get(slot)?.phone.busy(seconds);
  },
  ready() {
    const again = replayed;
    replayed = true;
    for (const { phone } of people.values()) phone.ready();
    if (again) meet().catch(() => {}); // someone may have been added in another tab meanwhile
  },
  up() {
    byId("lost").hidden = true;
    for (const { phone } of people.values()) phone.connected();
  },
  down() {
    byId("lost").hidden = false;
  },
});
if (matchMedia("(pointer: fine)").matches) active?.phone.words.focus({ preventScroll: true });
