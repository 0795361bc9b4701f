/* Talking to the server. Whoever has no seat any more is shown how to come in again. */

const PATIENCE = 30_000; // ms
const AGAIN_AFTER = [300, 600, 1200, 2400]; // ms: "busy" is soon over

/** A refusal, in words for people. */
export class Refused extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), PATIENCE);
  try {
    const answer = await fetch(path, { credentials: "same-origin", signal: stop.signal, ...options });
    if (answer.ok) return answer;
    const { message = "" } = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, message);
  } finally {
    clearTimeout(late);
  }
}

async function patiently(path) {
  for (const wait of AGAIN_AFTER) {
    try {
      return await ask(path);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 503) throw error;
      await new Promise((go) => setTimeout(go, wait));
    }
  }
  return ask(path);
}

export const get = async (path) => (await patiently(path)).json();
export const picture = async (path) => (await patiently(path)).blob();

/** Whole, or not at all: what breaks off is an error. */
export async function file(path) {
  const answer = await patiently(path);
  const [, name] = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition"));
  return { name, blob: await answer.blob() };
}

export async function post(path, said) {
  const headers = { "content-type": "application/json" };
  return (await ask(path, { method: "POST", headers, body: JSON.stringify(said) })).json();
}
