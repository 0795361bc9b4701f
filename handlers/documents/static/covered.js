/* Boxes outlive the page: a telephone rings, a chat closes what it has opened. Only where they are is noted, in this
   browser, until the paper is signed or a day has passed. Without such notes (a private window) the page works, too. */

const NOTE = "kp7-covered-";
const LASTS = 24 * 3600 * 1000; // ms

function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key)) || {}; // only this page of ours writes here
  } catch (_) {
    return {};
  }
}

/* → the boxes that were drawn on this version of the paper */
export function recall(data) {
  try {
    Object.keys(localStorage)
      .filter((key) => key.startsWith(NOTE) && !(Date.now() - read(key).at < LASTS))
      .forEach((key) => localStorage.removeItem(key));
  } catch (_) {
    return [];
  }
  const { version, boxes } = read(NOTE + data.paper);
  return version === data.version ? boxes : [];
}

export function remember(data, boxes) {
  try {
    localStorage.setItem(NOTE + data.paper, JSON.stringify({ at: Date.now(), version: data.version, boxes }));
  } catch (_) {
    // then they are drawn anew
  }
}

export function forget(data) {
  try {
    localStorage.removeItem(NOTE + data.paper);
  } catch (_) {
    // there is none
  }
}
