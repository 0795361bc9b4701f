/* One page of the paper, with the boxes that are to be blacked out, in fractions of its width and height. */

import { drag } from "./drag.js";

const THINNEST = 3; // pixels: a line of small print on a small picture
const SHORTEST = 8; // less was a tap
const RIM = 0.82; // of the width: beyond it there is no room for a button beside a box

/* → {boxes(), load(done)}. `room()`: may another box be drawn? `covered`: boxes that were drawn before; `changed` is
   called with every box that comes or goes. `load` asks for the picture, and says when that is over. */
export function sheet({ template, number, size, title, address, say, room, covered, changed }) {
  const figure = template.content.firstElementChild.cloneNode(true);
  const find = (selector) => figure.querySelector(selector);
  const paper = find(".paper");
  const field = find(".field");
  const cover = find(".cover");
  const undo = find(".undo");
  const boxes = [];
  let drawing = null;

  find("figcaption").textContent = title;
  find("img").alt = title;
  paper.style.paddingTop = `${(100 * size[1]) / size[0]}%`;

  const place = (box) => {
    ["left", "top", "width", "height"].forEach((side) => (box.element.style[side] = `${100 * box[side]}%`));
  };
  const remove = (box) => {
    box.element.remove();
    if (boxes.indexOf(box) >= 0) boxes.splice(boxes.indexOf(box), 1);
    undo.disabled = !boxes.length;
    changed();
  };
  const button = (box) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = box.left + box.width > RIM ? "remove within" : "remove";
    made.setAttribute("aria-label", say("certify.remove"));
    ["pointerdown", "touchstart", "mousedown"].forEach((kind) =>
      made.addEventListener(kind, (event) => event.stopPropagation(), { passive: true }),
    );
    made.addEventListener("click", () => remove(box));
    return made;
  };
  const made = () => {
    const element = document.createElement("div");
    element.className = "box";
    return field.appendChild(element);
  };
  const add = (box) => {
    box.element.appendChild(button(box));
    boxes.push(box);
    undo.disabled = false;
  };
  const fraction = (value, whole) => Math.min(Math.max(value / whole, 0), 1);
  const stretch = ({ x, y }) => {
    const across = fraction(x, field.clientWidth);
    const down = fraction(y, field.clientHeight);
    drawing.left = Math.min(across, drawing.fromX);
    drawing.top = Math.min(down, drawing.fromY);
    drawing.width = Math.abs(across - drawing.fromX);
    drawing.height = Math.abs(down - drawing.fromY);
    place(drawing);
  };

  drag(field, {
    start: ({ x, y }) => {
      if (!figure.classList.contains("covering") || !room()) return false;
      drawing = { element: made(), fromX: fraction(x, field.clientWidth), fromY: fraction(y, field.clientHeight) };
      stretch({ x, y });
      return true;
    },
    move: stretch,
    end: (point) => {
      stretch(point);
      const box = drawing;
      const sides = [box.width * field.clientWidth, box.height * field.clientHeight];
      if (Math.min(...sides) < THINNEST || Math.max(...sides) < SHORTEST) {
        remove(box);
        return;
      }
      add(box);
      changed();
    },
    cancel: () => remove(drawing),
  });

  covered.forEach(({ left, top, width, height }) => {
    const box = { element: made(), left, top, width, height };
    place(box);
    add(box);
  });

  cover.addEventListener("click", () => {
    const on = figure.classList.toggle("covering");
    cover.setAttribute("aria-pressed", String(on));
    cover.textContent = say(on ? "certify.covered" : "certify.cover");
    find(".how").hidden = !on;
  });
  undo.addEventListener("click", () => remove(boxes[boxes.length - 1]));

  const load = (done) => {
    const img = find("img");
    find(".failed").hidden = true;
    let tries = 0;
    const ask = () => (img.src = `${address}/pages/${number}?${tries}`);
    img.onload = () => {
      paper.classList.add("loaded");
      done();
    };
    img.onerror = () => {
      tries += 1;
      if (tries < 6) {
        setTimeout(ask, 500 * tries);
        return;
      }
      find(".failed").hidden = false;
      done();
    };
    ask();
  };
  find(".again").addEventListener("click", () => load(() => {}));

  return {
    figure,
    load,
    boxes: () =>
      boxes.map(({ left, top, width, height }) => ({ page: number, left, top, width, height })),
  };
}
