/* The list on the left: what waits, narrowed down by the filters, more of it as one comes near its end. */

import { get } from "./api.js";
import { byId, element, say } from "./words.js";

const NEAR = 10; // items before the end, at which more are asked for

export class Queue {
  items = [];
  #more = false;
  #asking = null;
  #generation = 0;
  #waiting = 0;

  constructor(choose) {
    this.choose = choose;
    this.form = byId("filter-form");
    this.form.addEventListener("submit", (event) => event.preventDefault());
    byId("more").addEventListener("click", () => this.fetchMore());
  }

  index(id) {
    return this.items.findIndex((item) => item.id === id);
  }

  /** Everything anew, with the filters as they are. */
  async start() {
    this.#generation += 1;
    this.#asking = null;
    this.items = [];
    await this.fetchMore();
  }

  fetchMore() {
    this.#asking ??= this.#fetch(this.#generation).finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #fetch(generation) {
    const asked = new URLSearchParams([...new FormData(this.form)].filter(([, value]) => value));
    byId("filtered").textContent = [...asked].length ? `(${[...asked].length})` : "";
    if (this.items.length) asked.set("after", this.items.at(-1).after);
    const { items, more, waiting } = await get(`/console/api/queue?${asked}`);
    if (generation !== this.#generation) return;
    const known = new Set(this.items.map(({ id }) => id));
    this.items.push(...items.filter(({ id }) => !known.has(id)));
    this.#more = more;
    this.#waiting = waiting;
    this.draw();
  }

  /** Near its end, the next ones are asked for. */
  async near(index) {
    if (this.#more && index >= this.items.length - NEAR) await this.fetchMore();
  }

  /** It waits no longer. */
  remove(id) {
    const index = this.index(id);
    if (index < 0) return;
    this.items.splice(index, 1);
    this.#waiting = Math.max(0, this.#waiting - 1);
    byId("items").children[index]?.remove();
    this.#count();
  }

  /** It could not be decided after all: it stands where it stood. */
  putBack(row, index) {
    if (this.index(row.id) >= 0) return;
    this.items.splice(Math.min(index, this.items.length), 0, row);
    this.#waiting += 1;
    this.draw();
  }

  draw() {
    byId("items").replaceChildren(...this.items.map((item) => this.#row(item)));
    this.#count();
    this.mark(this.current);
  }

  #count() {
    byId("waiting").textContent = say("desk.count", { n: this.#waiting });
    byId("more").hidden = !this.#more;
  }

  #row(item) {
    const row = element("li");
    const button = element("button", "", "row");
    button.type = "button";
    button.dataset.id = item.id;
    button.append(element("span", item.name, "who"), element("span", item.title, "what"));
    const age = item.days ? say("desk.days", { n: item.days }) : say("desk.today");
    button.append(element("span", `${item.unit} · ${age}`, "where"));
    button.addEventListener("click", () => this.choose(item.id));
    row.append(button);
    return row;
  }

  mark(id) {
    this.current = id;
    for (const button of byId("items").querySelectorAll(".row")) {
      if (button.dataset.id === id) {
        button.setAttribute("aria-current", "true");
        button.scrollIntoView({ block: "nearest" });
      } else {
        button.removeAttribute("aria-current");
      }
    }
  }
}
