/* The page on which one paper is signed. Its words and what it shows stand in #data. */

import { leads } from "./done.js";
import { forget, recall, remember } from "./covered.js";
import { paint, pen } from "./pen.js";
import { sheet } from "./sheet.js";

const PATIENCE = 30000; // ms
const AHEAD = "800px"; // a page is asked for before it is scrolled to

const data = JSON.parse(document.getElementById("data").textContent);
const address = window.location.pathname;
const byId = (id) => document.getElementById(id);

function say(key, params = {}) {
  return data.words[key].replace(/\{(\w+)\}/g, (_, name) => params[name]);
}

/* --- the pages: looked at one after the other, and only those that somebody comes near -------------------------------- */

const all = data.sheets.length;
const room = () => drawn().length < data.boxesMost;
const before = recall(data);
const drawn = () => sheets.reduce((found, one) => found.concat(one.boxes()), []);
const sheets = data.sheets.map((size, i) =>
  sheet({
    template: byId("sheet"),
    number: i + 1,
    size,
    title: say("certify.page", { n: i + 1, all }),
    address,
    say,
    room,
    covered: before.filter(({ page }) => page === i + 1),
    changed: () => remember(data, drawn()),
  }),
);
sheets.forEach(({ figure }) => byId("sheets").appendChild(figure));

const wanted = [];
let loading = false;
function loadNext() {
  if (loading || !wanted.length) return;
  loading = true;
  wanted.shift().load(() => {
    loading = false;
    loadNext();
  });
}
function want(one) {
  wanted.push(one);
  loadNext();
}
if (window.IntersectionObserver) {
  const near = new IntersectionObserver(
    (entries) =>
      entries
        .filter((entry) => entry.isIntersecting)
        .forEach(({ target }) => {
          near.unobserve(target);
          want(sheets.find(({ figure }) => figure === target));
        }),
    { rootMargin: AHEAD },
  );
  sheets.forEach(({ figure }) => near.observe(figure));
} else {
  sheets.forEach(want);
}

/* --- the signature ---------------------------------------------------------------------------------------------------- */

const signature = pen(byId("pad"), () => {
  byId("undo").disabled = byId("clear").disabled = !signature.strokes.length;
  byId("trouble").hidden = true;
});
byId("undo").addEventListener("click", signature.undo);
byId("clear").addEventListener("click", signature.clear);
byId("undo").disabled = byId("clear").disabled = true;
byId("which").hidden = !data.kept.length;

const keptPad = byId("kept-pad");
let useKept = false;
function choose(kept) {
  useKept = kept;
  byId("use-kept").setAttribute("aria-pressed", String(kept));
  byId("sign-anew").setAttribute("aria-pressed", String(!kept));
  byId("kept").hidden = !kept;
  byId("anew").hidden = kept;
  show();
}
function show() {
  paint(keptPad, data.kept);
  signature.draw();
}
byId("use-kept").addEventListener("click", () => choose(true));
byId("sign-anew").addEventListener("click", () => choose(false));
window.addEventListener("resize", show);
choose(data.kept.length > 0);

/* --- sending ---------------------------------------------------------------------------------------------------------- */

const submit = byId("submit");

function complain(words) {
  const trouble = byId("trouble");
  trouble.textContent = words;
  trouble.hidden = false;
}

function send() {
  const stop = window.AbortController ? new AbortController() : null;
  const late = setTimeout(() => stop && stop.abort(), PATIENCE);
  const asked = { version: data.version, strokes: useKept ? null : signature.strokes, boxes: drawn() };
  return fetch(`${address}/sign`, {
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(asked),
    signal: stop ? stop.signal : undefined,
  })
    .then((answer) => (answer.ok ? "" : answer.json().then(({ message }) => message)))
    .catch(() => say("certify.unsent"))
    .then((trouble) => {
      clearTimeout(late);
      return trouble;
    });
}

function finish() {
  forget(data);
  const main = byId("main");
  const done = byId("done").content.cloneNode(true);
  main.textContent = "";
  main.appendChild(done);
  leads(byId("back"));
  window.scrollTo(0, 0);
  main.querySelector("h2").focus();
}

submit.addEventListener("click", () => {
  if (!useKept && !signature.strokes.length) {
    complain(say("certify.no_signature"));
    return;
  }
  submit.disabled = true;
  submit.textContent = say("certify.sending");
  byId("trouble").hidden = true;
  send().then((trouble) => {
    if (!trouble) {
      finish();
      return;
    }
    submit.disabled = false;
    submit.textContent = say("certify.submit");
    complain(trouble);
  });
});
