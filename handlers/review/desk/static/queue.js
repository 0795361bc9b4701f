/* The list on the left: what waits, narrowed down by the filters, more of it as one comes near its end. What others do
   meanwhile is heard of (`news`) and changes nothing that one is looking at. */

import { get } from "./api.js";
import { byId, element, say } from "./words.js";

const NEAR = 10; // items before the end, at which more are asked for

export class Queue {
  items = []; // in the server's order: the last one says after which the next page begins
  fresh = 0; // how many have come that are not on the list
  #more = false;
  #asking = null;
  #changes = 0; // of the list: what was asked for before one is out of date
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
    this.#changes += 1;
    this.#asking = null;
    this.items = [];
    await this.fetchMore();
  }

  fetchMore() {
    this.#asking ??= this.#fetch().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #fetch() {
    const changes = this.#changes;
    const { items, more, waiting } = await this.#page(this.items.at(-1));
    if (changes !== this.#changes) return;
    const known = new Set(this.items.map(({ id }) => id));
    this.#take([...this.items, ...items.filter(({ id }) => !known.has(id))], more, waiting);
  }

  /** As far as it was, with what has come since, wherever that stands. */
  async refresh() {
    const changes = this.#changes;
    const rows = [];
    let page;
    do {
      page = await this.#page(rows.at(-1));
      rows.push(...page.items);
    } while (page.more && rows.length < this.items.length);
    if (changes === this.#changes) this.#take(rows, page.more, page.waiting);
  }

  get narrowed() {
    return this.#filters().length > 0;
  }

  #filters() {
    return [...new FormData(this.form)].filter(([, value]) => value);
  }

  #page(last) {
    const asked = new URLSearchParams(this.#filters());
    byId("filtered").textContent = asked.size ? `(${asked.size})` : "";
    if (last) asked.set("after", last.after);
    return get(`/console/api/queue?${asked}`);
  }

  #take(items, more, waiting) {
    this.items = items;
    this.#more = more;
    this.#waiting = waiting;
    this.#hint(0);
    this.draw();
  }

  /** What others have done meanwhile. → the rows that wait no longer, which are still on the list */
  async news() {
    const changes = this.#changes;
    const { ids, whole, waiting } = await get(`/console/api/waiting?${new URLSearchParams(this.#filters())}`);
    if (changes !== this.#changes) return [];
    this.#waiting = waiting;
    this.#count();
    if (!whole) return [];
    const wait = new Set(ids);
    const gone = this.items.filter(({ id }) => !wait.has(id));
    const come = ids.length - (this.items.length - gone.length);
    this.#hint(this.#more ? 0 : come); // those further down come by themselves
    return gone;
  }

  #hint(n) {
    this.fresh = n;
    byId("news").textContent = n ? say("desk.news", { n }) : "";
    byId("news").hidden = !n;
  }

  /** Near its end, the next ones are asked for. */
  async near(index) {
    if (this.#more && index >= this.items.length - NEAR) await this.fetchMore();
  }

  /** It waits no longer. `counted`: the number that wait knows already. */
  remove(id, { counted = false } = {}) {
    const index = this.index(id);
    if (index < 0) return;
    this.#changes += 1;
    this.items.splice(index, 1);
    if (!counted) this.#waiting = Math.max(0, this.#waiting - 1);
    byId("items").children[index]?.remove();
    this.#count();
  }

  /** It could not be decided after all: it stands where it stood. */
  putBack(row, index) {
    if (this.index(row.id) >= 0) return;
    this.#changes += 1;
    this.items.splice(Math.min(index, this.items.length), 0, row);
    this.#waiting += 1;
    this.draw();
  }

  draw() {
    const focused = document.activeElement?.closest("#items .row")?.dataset.id;
    byId("items").replaceChildren(...this.items.map((item) => this.#row(item)));
    this.#count();
    this.mark(this.current);
    if (focused) this.#button(focused)?.focus({ preventScroll: true });
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

  #button(id) {
    return [...byId("items").querySelectorAll(".row")].find((button) => button.dataset.id === id);
  }

  mark(id) {
    this.current = id;
    for (const button of byId("items").querySelectorAll(".row")) button.removeAttribute("aria-current");
    const button = this.#button(id);
    button?.setAttribute("aria-current", "true");
    button?.scrollIntoView({ block: "nearest" });
  }
}
