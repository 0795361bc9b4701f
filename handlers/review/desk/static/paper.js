/* The paper in the middle: all its pages one below the other; the first at once, the others as one comes near. */

import { page } from "./stock.js";
import { byId, element, say } from "./words.js";

const STEPS = [0.5, 0.75, 1, 1.25, 1.5, 2, 3];
const AHEAD = "600px";
const A4 = [210, 297];
const sheets = byId("sheets");
let zoom = STEPS.indexOf(1);
let near = null;

export function zoomBy(steps) {
  zoom = Math.min(STEPS.length - 1, Math.max(0, zoom + steps));
  sheets.style.setProperty("--zoom", STEPS[zoom]);
}

export const zoomWhole = () => zoomBy(STEPS.indexOf(1) - zoom);

/** Waits until the first page is on the screen. `current`: is this still the item that is wanted? `again`: opens it
    anew, for whoever wants to try once more. */
export async function show(item, current, again) {
  near?.disconnect();
  const figures = Array.from({ length: item.pages }, (_, i) => figure(item, i + 1));
  near = new IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        load(item, target, current);
      }
    },
    { root: sheets, rootMargin: AHEAD },
  );
  const first = figures[0] && load(item, figures[0], current, again);
  if (first && (await Promise.race([first, turn()])) === "later") {
    sheets.replaceChildren(...figures); // its place is shown until it is here
    sheets.scrollTop = 0;
    await first;
  }
  if (!current()) return;
  if (sheets.firstChild !== figures[0] || !figures.length) sheets.replaceChildren(...figures);
  sheets.scrollTop = 0;
  figures.slice(1).forEach((each) => near.observe(each));
  await painted();
}

export function clear() {
  near?.disconnect();
  sheets.replaceChildren();
}

/** It is not known yet what there is to see. */
export function opening() {
  clear();
  const made = sheet("");
  wait(made, true);
  sheets.append(made);
}

/** It could not be fetched; what has been said of it already stands. */
export function failed(again) {
  if (sheets.querySelector(".trouble")) return;
  clear();
  const made = sheet("");
  sheets.append(made);
  fail(made, again);
}

function sheet(alt) {
  const made = element("figure", "", "sheet");
  const image = element("img");
  image.alt = alt;
  [image.width, image.height] = A4; // until it is here
  made.append(image);
  return made;
}

function figure(item, number) {
  const made = sheet(say("desk.page", { n: number, all: item.pages }));
  made.dataset.page = number;
  if (item.pages > 1) made.append(element("figcaption", made.firstChild.alt));
  wait(made, true);
  return made;
}

function wait(figure, is) {
  figure.ariaBusy = String(is);
  figure.querySelector(".opening, .trouble")?.remove();
  if (is) figure.append(element("p", say("desk.opening"), "opening"));
}

function fail(figure, again) {
  wait(figure, false);
  const button = element("button", say("desk.try_again"), "tool");
  button.type = "button";
  button.addEventListener("click", again);
  const told = element("p", say("desk.page_failed"), "trouble");
  told.append(document.createElement("br"), button);
  figure.append(told);
}

/** `again`: what trying once more means; by default, this page alone. */
async function load(item, figure, current, again = () => load(item, figure, current)) {
  const image = figure.querySelector("img");
  wait(figure, true);
  try {
    image.src = await page(item.id, Number(figure.dataset.page));
    await image.decode();
    [image.width, image.height] = [image.naturalWidth, image.naturalHeight];
    image.classList.add("loaded");
    wait(figure, false);
  } catch (error) {
    if (!current()) return;
    fail(figure, again);
    if (figure.dataset.page === "1") throw error;
  }
}

const turn = () => new Promise((go) => setTimeout(() => go("later"), 30));
const painted = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
