/* The review desk: what waits on the left, the paper in the middle, the facts and the verdict on the right.

   A verdict is sent while the next paper is shown already. It cannot be taken back, so a key counts only once the paper
   that it is about has been on the screen for a moment, and never because it is held down.

   Now and then the page asks what others have done. It moves nothing: what is new is a hint, and what somebody else has
   decided stays on the screen, without its buttons, until one goes on. */

import { post, Refused } from "./api.js";
import * as asking from "./asking.js";
import * as facts from "./facts.js";
import * as paper from "./paper.js";
import { proven } from "./proof.js";
import { Queue } from "./queue.js";
import * as stock from "./stock.js";
import { byId, say } from "./words.js";

const SETTLED = 250; // ms that a paper is on the screen before a verdict on it counts
const PATIENCE = 200; // ms for which the last paper stays on the screen while the next one is fetched
const NEWS_EVERY = 30_000; // ms
const queue = new Queue((id) => open(id));
let current = null; // the item on the screen, once it is there
let wanted = null; // id of what is to be there
let overtaken = null; // id of what is there and waits no longer
let since = 0;
let sending = Promise.resolve(); // verdicts go one after the other
let unsent = 0;

// --- showing ---------------------------------------------------------------------------------------------------------

/** `focus`: on its heading, for whoever works with the keyboard; a row that was clicked on keeps it. */
async function open(id, { focus = false } = {}) {
  wanted = id;
  current = overtaken = null;
  if (focus) heading().focus();
  ready(false);
  queue.mark(id);
  byId("paper").ariaBusy = "true";
  const isWanted = () => wanted === id;
  const late = setTimeout(() => isWanted() && opening(id), PATIENCE);
  try {
    const item = await stock.item(id).finally(() => clearTimeout(late));
    if (!isWanted()) return;
    heading().textContent = `${item.title} · ${item.name}`;
    facts.show(item);
    note(item.kind === "paper2" ? say("desk.note_second") : "");
    pages(item.pages);
    await paper.show(item, isWanted, () => open(id, { focus: true }));
    if (!isWanted()) return;
    current = item;
    since = performance.now();
    document.body.dataset.shown = id;
    ready(true);
    prepare(id);
  } catch (error) {
    if (isWanted()) failed(id, error);
  } finally {
    if (isWanted()) byId("paper").ariaBusy = "false";
  }
}

const heading = () => byId("paper-title");

/** Nothing of the last one is left beside a name that is not its. */
function opening(id) {
  const row = queue.items[queue.index(id)];
  heading().textContent = row ? `${row.title} · ${row.name}` : say("desk.opening");
  facts.clear();
  note("");
  pages(0);
  paper.opening();
}

function pages(n) {
  byId("zoom").hidden = !n;
}

function note(words) {
  byId("note").textContent = words;
  byId("note").hidden = !words;
}

function failed(id, error) {
  if (error instanceof Refused && error.status === 404) {
    const row = queue.items[queue.index(id)];
    complain(row ? `${row.title} · ${row.name}: ${error.message}` : error.message);
    leaves(id);
  } else {
    complain(tell(error));
    paper.failed(() => open(id, { focus: true }));
  }
}

/** The next one, and its first page. */
async function prepare(id) {
  const index = queue.index(id);
  await queue.near(index).catch(() => {});
  const next = queue.items[queue.index(id) + 1];
  if (next && wanted === id) await stock.ahead(next.id);
}

function empty() {
  wanted = current = overtaken = null;
  delete document.body.dataset.shown;
  paper.clear();
  ready(false);
  facts.clear();
  heading().textContent = say("desk.opening");
  pages(0);
  note("");
  byId("paper").ariaBusy = "false";
}

/** It is off the list, and the one after it stands there. */
function leaves(id) {
  const index = queue.index(id);
  queue.remove(id);
  stock.forget(id);
  if (wanted !== id) return;
  const next = queue.items[index] ?? queue.items.at(-1);
  if (next) open(next.id, { focus: true });
  else restart({ focus: true });
}

function move(steps) {
  const next = queue.items[queue.index(wanted) + steps];
  if (overtaken) {
    queue.remove(overtaken, { counted: true });
    stock.forget(overtaken);
  }
  if (next) open(next.id, { focus: true });
  else if (steps > 0 && queue.fresh) takeIn();
  else if (overtaken) restart({ focus: true });
  else if (steps > 0) status(say("desk.last"));
}

async function restart({ focus = false } = {}) {
  if (focus) heading().focus();
  empty();
  try {
    await sending; // what is still being said has left the list by then
    await queue.start();
    if (queue.items.length) await open(queue.items[0].id, { focus });
    else heading().textContent = say(queue.narrowed ? "desk.nothing_filtered" : "desk.nothing");
  } catch (error) {
    heading().textContent = "";
    complain(tell(error));
  }
}

// --- what others do --------------------------------------------------------------------------------------------------

async function hear() {
  if (document.hidden || unsent) return;
  try {
    const gone = await queue.news();
    if (unsent) return;
    const left = gone.filter(({ id }) => id !== wanted);
    for (const { id } of left) {
      queue.remove(id, { counted: true });
      stock.forget(id);
    }
    if (left.length) status(say("desk.gone", { n: left.length }));
    // whoever is just saying why is told when they send it, and by whom
    if (left.length < gone.length && current && !document.querySelector("dialog[open]")) overtake(current.id);
  } catch (error) {
    if (error instanceof Refused) tell(error); // no net: it is asked again
  }
}

function overtake(id) {
  overtaken = id;
  current = null;
  note(say("desk.gone_shown"));
  if (["approve", "return", "reveal"].includes(document.activeElement.id)) heading().focus();
  ready(false);
}

/** What is new, onto the list; and whoever has nothing before them, or came to the end of it, sees the first of it. */
async function takeIn() {
  const last = overtaken ? null : wanted;
  try {
    await queue.refresh();
    const next = queue.items[queue.index(last) + 1];
    if (last === null || wanted === last) {
      if (next) await open(next.id, { focus: true });
    }
  } catch (error) {
    complain(tell(error));
  }
}

setInterval(hear, NEWS_EVERY);
document.addEventListener("visibilitychange", hear);
byId("news").addEventListener("click", async () => {
  heading().focus({ preventScroll: true }); // the hint goes
  if (wanted) await queue.refresh().catch((error) => complain(tell(error)));
  else await takeIn();
});

/** The buttons of this item: A is the first verdict, R the other. */
function ready(is) {
  ["approve", "return"].forEach((id, i) => {
    const option = is ? current.options[i] : null;
    byId(id).disabled = !option;
    byId(id).hidden = is && !option;
    if (option) byId(id).querySelector("span").textContent = option.label;
  });
  byId("reveal").disabled = byId("original").disabled = !is;
}

async function keep(item) {
  byId("original").disabled = true;
  try {
    const file = await proven(() => stock.original(item));
    if (file) save(file);
  } catch (error) {
    complain(tell(error));
  }
  byId("original").disabled = !current;
}

function save({ name, blob }) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// --- verdicts --------------------------------------------------------------------------------------------------------

const settled = () => current && current.id === wanted && performance.now() - since >= SETTLED;

function decide(item, verdict, { reason = "", words = "", sure = "" } = {}) {
  if (current !== item) return;
  const index = queue.index(item.id);
  const row = queue.items[index];
  quiet();
  unsent += 1;
  const said = { seen: item.seen, verdict, reason, words, sure };
  sending = sending.then(() => send(item, row, index, said));
  leaves(item.id);
}

async function send(item, row, index, said) {
  const what = `${item.title} · ${item.name}`;
  try {
    const told = await post(stock.verdict(item.id), said);
    status(`${say(`desk.verdict_${told.verdict}`)}: ${what}`);
  } catch (error) {
    complain(`${what}: ${tell(error)}`);
    if (row && !(error instanceof Refused && error.status === 409)) queue.putBack(row, index);
  } finally {
    unsent -= 1;
  }
}

/** The first or the second of the verdicts that this item may have. */
function choose(nth) {
  const item = current;
  const option = settled() && item.options[nth];
  if (!option) return;
  if (!option.asks && !option.sure) decide(item, option.wanted);
  else asking.ask(item, option, (said) => decide(item, option.wanted, said));
}

window.addEventListener("beforeunload", (event) => {
  if (unsent) event.preventDefault();
});

// --- what is said ----------------------------------------------------------------------------------------------------

function tell(error) {
  if (error instanceof Refused && error.status === 401) {
    setTimeout(() => window.location.reload(), 1500);
  }
  return error instanceof Refused && error.message ? error.message : say("desk.unsent");
}
function status(words) {
  byId("said").textContent = words;
}
function complain(words) {
  byId("trouble").textContent = words;
  byId("trouble").hidden = false;
}
function quiet() {
  byId("trouble").hidden = true;
}

// --- keys ------------------------------------------------------------------------------------------------------------

/* By where a key stands: a Thai keyboard has other characters there. */
const KEYS = {
  KeyA: () => choose(0),
  KeyR: () => choose(1),
  ArrowRight: () => move(1),
  ArrowLeft: () => move(-1),
  Equal: () => paper.zoomBy(1),
  NumpadAdd: () => paper.zoomBy(1),
  Minus: () => paper.zoomBy(-1),
  NumpadSubtract: () => paper.zoomBy(-1),
  Digit0: paper.zoomWhole,
  Numpad0: paper.zoomWhole,
};
const HELD = new Set(["ArrowRight", "ArrowLeft"]); // a verdict is pressed anew for each paper

/** What the key says; where it says no Latin letter, where it lies: on a Thai keyboard ฟ is where A is. */
function keyOf(event) {
  if (/^[a-z]$/i.test(event.key)) return `Key${event.key.toUpperCase()}`;
  return { "+": "Equal", "-": "Minus" }[event.key] ?? event.code;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (document.querySelector("dialog[open]") || event.target.closest("input, select, textarea")) return;
  if (event.key === "?" || (event.code === "Slash" && event.shiftKey)) {
    event.preventDefault();
    byId("help").showModal();
    return;
  }
  const act = KEYS[keyOf(event)];
  if (!act || (event.shiftKey && !/^[+]$/.test(event.key))) return;
  event.preventDefault();
  if (!event.repeat || HELD.has(event.code)) act();
});

byId("approve").addEventListener("click", () => choose(0));
byId("return").addEventListener("click", () => choose(1));
byId("next").addEventListener("click", () => move(1));
byId("previous").addEventListener("click", () => move(-1));
byId("original").addEventListener("click", () => current && keep(current));
byId("zoom-in").addEventListener("click", () => paper.zoomBy(1));
byId("zoom-out").addEventListener("click", () => paper.zoomBy(-1));
byId("zoom-whole").addEventListener("click", paper.zoomWhole);
byId("filters").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  byId("filters").open = false;
  byId("filters").querySelector("summary").focus();
});
byId("help-button").addEventListener("click", () => byId("help").showModal());
queue.form.addEventListener("change", () => restart());

restart();
