// Talking to the server: each person's messages go out one at a time, in order, and are tried again under the same id,
// so that a doubtful connection neither loses nor doubles anything.

const PEOPLE = "/chat/people";
const TRIES = 5;
const LONGEST_WAIT = 15_000;

/** A refusal the person should read: a sentence in each language, or none when the server gave none. */
export class Refused extends Error {
  constructor(words) {
    super("refused");
    this.words = words;
  }
}

export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // `randomUUID` is missing on plain-http addresses other than localhost, and on older phones.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

async function call(url, options, seconds) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), seconds * 1000);
  try {
    const answer = await fetch(url, { ...options, signal: abort.signal });
    return settled(answer.status, await answer.json().catch(() => ({})));
  } finally {
    clearTimeout(timer);
  }
}

/** A "too much" is over soon, or a sentence says what to do. */
function settled(status, body) {
  if (status >= 200 && status < 300) return body;
  const words = body?.message ?? null;
  if (status >= 500 || status === 408 || (status === 429 && !words)) throw new Error(`${status}`);
  throw new Refused(words);
}

export const getPeople = () => call(PEOPLE, {}, 15);
export const addPerson = () => call(PEOPLE, { method: "POST" }, 15);

/** `what` is one of `{text}`, `{press}`, `{open: true}`. */
export function message(slot, what) {
  const body = JSON.stringify({ id: newId(), ...what });
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body };
  return () => call(`${PEOPLE}/${slot}/messages`, options, 30);
}

/** `place`: which of how many that were chosen at once. `progress` hears how much of it is on its way, 0 to 1. */
export function file(slot, picked, [nth, of], progress) {
  const query = new URLSearchParams({ id: newId(), name: picked.name, nth, of });
  return () => upload(`${PEOPLE}/${slot}/files?${query}`, picked, 180, progress);
}

/** `fetch` does not tell how far it got. */
function upload(url, picked, seconds, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.timeout = seconds * 1000;
    request.responseType = "json";
    request.setRequestHeader("Content-Type", typeOf(picked));
    request.upload.addEventListener("progress", (event) => event.total && progress(event.loaded / event.total));
    for (const name of ["error", "abort", "timeout"]) request.addEventListener(name, () => reject(new Error(name)));
    request.addEventListener("load", () => {
      try {
        resolve(settled(request.status, request.response));
      } catch (error) {
        reject(error);
      }
    });
    request.send(picked);
  });
}

/** Some browsers do not know the newer picture types and give a file no type at all. */
function typeOf(picked) {
  if (picked.type) return picked.type;
  const ending = picked.name.split(".").pop().toLowerCase();
  return { pdf: "application/pdf", heic: "image/heic", heif: "image/heif" }[ending] ?? "application/octet-stream";
}

/** One person's outgoing queue. `tell(state, words)` hears "sending", "sent", "refused" (with words) and "stuck". */
export class Outbox {
  #items = [];
  #running = false;
  #wake = null;

  push(send, tell) {
    this.#items.push({ send, tell, tries: 0 });
    tell("sending");
    if (!this.#wake) this.hurry();
  }

  /** Try now: the person asked for it, or the connection has just come back. */
  hurry() {
    if (this.#wake) return this.#wake();
    if (this.#running || !this.#items.length) return;
    const first = this.#items[0];
    if (first.tries) first.tell("sending");
    first.tries = 0;
    this.#run();
  }

  async #run() {
    this.#running = true;
    while (this.#items.length) {
      const item = this.#items[0];
      try {
        await item.send();
        this.#items.shift();
        item.tell("sent");
      } catch (error) {
        if (error instanceof Refused) {
          this.#items.shift();
          item.tell("refused", error.words);
        } else if (++item.tries >= TRIES) {
          // What was said later waits behind this one: the order of a conversation matters more than speed.
          item.tell("stuck");
          break;
        } else {
          await this.#pause(Math.min(1000 * 2 ** (item.tries - 1), LONGEST_WAIT));
        }
      }
    }
    this.#running = false;
  }

  #pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(done, milliseconds);
      const box = this;
      function done() {
        clearTimeout(timer);
        box.#wake = null;
        resolve();
      }
      this.#wake = done;
    });
  }
}
