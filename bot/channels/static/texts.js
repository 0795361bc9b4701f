// The words of the page. They come with the page, in both languages, from the bot's own catalogues.

const texts = JSON.parse(document.getElementById("texts").textContent);

export const demo = Boolean(texts.demo);
export const firstLanguage = document.documentElement.lang === "en" ? "en" : "th";

export function say(language, key, params = {}) {
  const words = texts[language]?.[key] ?? texts.th?.[key] ?? "";
  return words.replace(/\{(\w+)\}/g, (whole, name) => params[name] ?? whole);
}

/** (Re)writes every word under `root`: `data-text` is an element's words, `data-label` its name for screen readers,
 *  `data-tip` its tooltip, `data-hint` a placeholder; `data-n` fills `{n}`. */
export function relabel(root, language) {
  const all = (name, write) => {
    const found = [...root.querySelectorAll(`[data-${name}]`)];
    if (root.matches?.(`[data-${name}]`)) found.push(root);
    for (const element of found) write(element, say(language, element.dataset[name], { n: element.dataset.n }));
  };
  all("text", (element, words) => (element.textContent = words));
  all("label", (element, words) => element.setAttribute("aria-label", words));
  all("tip", (element, words) => (element.title = words));
  all("hint", (element, words) => (element.placeholder = words));
}

const LOCALES = { th: "th-TH-u-ca-buddhist-nu-latn", en: "en-GB" };

export function clock(language, at) {
  return new Intl.DateTimeFormat(LOCALES[language], { hour: "2-digit", minute: "2-digit" }).format(at);
}

export function day(language, at) {
  const shape = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
  return new Intl.DateTimeFormat(LOCALES[language], shape).format(at);
}
