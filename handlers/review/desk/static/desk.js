/* The review desk: what waits on the left, the paper in the middle, the facts and the verdict on the right.

   A verdict is sent while the next paper is shown already. It cannot be taken back, so a key counts only once the paper
   that it is about has been on the screen for a moment, and never because it is held down. */

import { post, Refused } from "./api.js";
import * as asking from "./asking.js";
import * as facts from "./facts.js";
import * as paper from "./paper.js";
import { proven } from "./proof.js";
import { Queue } from "./queue.js";
import * as stock from "./stock.js";
import { byId, say } from "./words.js";

const SETTLED = 250; // ms that a paper is on the screen before a verdict on it counts
const queue = new Queue((id) => open(id));
let current = null; // the item on the screen, once it is there
let wanted = null; // id of what is to be there
let since = 0;
let sending = Promise.resolve(); // verdicts go one after the other
let unsent = 0;

// --- showing ---------------------------------------------------------------------------------------------------------

async function open(id) {
  wanted = id;
  current = null;
  ready(false);
  queue.mark(id);
  const isWanted = () => wanted === id;
  try {
    const item = await stock.item(id);
    if (!isWanted()) return;
    byId("paper-title").textContent = `${item.title} · ${item.name}`;
    facts.show(item);
    note(item);
    byId("original").hidden = !item.pages;
    await paper.show(item, isWanted);
    if (!isWanted()) return;
    current = item;
    since = performance.now();
    document.body.dataset.shown = id;
    ready(true);
    prepare(id);
  } catch (error) {
    if (isWanted()) failed(id, error);
  }
}

function note(item) {
  byId("note").textContent = item.kind === "paper2" ? say("desk.note_second") : "";
  byId("note").hidden = item.kind !== "paper2";
}

function failed(id, error) {
  if (error instanceof Refused && error.status === 404) {
    const row = queue.items[queue.index(id)];
    complain(row ? `${row.title} · ${row.name}: ${error.message}` : error.message);
    leaves(id);
  } else {
    complain(tell(error));
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
  wanted = current = null;
  delete document.body.dataset.shown;
  paper.clear();
  ready(false);
  facts.show({ facts: [], lines: [], history: [] });
  byId("paper-title").textContent = say("desk.nothing");
  byId("original").hidden = true;
  byId("note").hidden = true;
}

/** It is off the list, and the one after it stands there. */
function leaves(id) {
  const index = queue.index(id);
  queue.remove(id);
  stock.forget(id);
  if (wanted !== id) return;
  const next = queue.items[index] ?? queue.items.at(-1);
  if (next) open(next.id);
  else restart();
}

function move(steps) {
  const next = queue.items[queue.index(wanted) + steps];
  if (next) open(next.id);
  else if (steps > 0) status(say("desk.last"));
}

async function restart() {
  empty();
  try {
    await sending; // what is still being said has left the list by then
    await queue.start();
    if (queue.items.length) await open(queue.items[0].id);
  } catch (error) {
    complain(tell(error));
  }
}

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
};
const HELD = new Set(["ArrowRight", "ArrowLeft"]); // a verdict is pressed anew for each paper

function keyOf(event) {
  const letter = /^[ar]$/i.test(event.key) ? `Key${event.key.toUpperCase()}` : "";
  const sign = { "+": "Equal", "-": "Minus" }[event.key] ?? "";
  return letter || sign || event.code;
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
byId("help-button").addEventListener("click", () => byId("help").showModal());
queue.form.addEventListener("change", restart);

restart();
