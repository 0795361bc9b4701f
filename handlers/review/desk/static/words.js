/* What the page was given: its language and its sentences. */

export const data = JSON.parse(document.getElementById("data").textContent);

export function say(key, params = {}) {
  return data.words[key].replace(/\{(\w+)\}/g, (_, name) => params[name]);
}

export const byId = (id) => document.getElementById(id);

/** An element with text in it: what people wrote is never taken for markup. */
export function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
