// Builds what stands in a conversation. Every word from outside goes in as text, never as markup.

import { clock, say } from "./texts.js";

export function element(tag, name, words) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (words !== undefined) made.textContent = words;
  return made;
}

function author(key, language) {
  return element("span", "unseen", say(language, key));
}

function meta(language, at) {
  const time = element("time", "meta", clock(language, at));
  time.dateTime = new Date(at).toISOString();
  return time;
}

const PIECES = new RegExp(
  [
    /(https?:\/\/[^\s<>"'()\u0e00-\u0e7f]*[^\s<>"'()\u0e00-\u0e7f.,;:!?])/, // a web address
    /(["“][^"“”\n]{1,22}["”])/, // a button's name: a line's end may tear Thai words apart that are read as one
    /([A-Z]{0,2}\d+(?:-\d+)+)/, // a number with its dashes
  ]
    .map((piece) => piece.source)
    .join("|"),
);

/** A number keeps to the word it counts, a year to its month. */
function tied(words) {
  return words
    .replace(/(\d) (?=[\u0e00-\u0e7fA-Za-z])/g, "$1\u00a0")
    .replace(/([\u0e00-\u0e7fa-z.]) (?=(?:19|2[045])\d\d(?!\d))/g, "$1\u00a0");
}

/** Words with its web addresses as links; only http(s) is ever a link. */
function paragraph(words) {
  const made = element("p");
  const [plain, ...rest] = tied(words).split(PIECES);
  made.append(plain);
  for (let i = 0; i < rest.length; i += 4) {
    const [address, name, number, after] = rest.slice(i, i + 4);
    if (address) {
      const link = element("a", "", address);
      link.href = address;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      made.append(link);
    } else made.append(element("span", "whole", name ?? number));
    made.append(after);
  }
  return made;
}

/** A picture that belongs to a message, by its name; pressed, it opens over the whole page. */
function picture(path, name, language, settled) {
  const made = element("button", "picture");
  made.type = "button";
  made.setAttribute("aria-label", `${name} – ${say(language, "web.picture_open")}`);
  const image = element("img", "preview");
  image.alt = name;
  image.addEventListener("load", settled);
  image.addEventListener("error", () => {
    made.replaceWith(element("p", "gone", say(language, "web.picture_gone")));
    settled();
  });
  image.src = path;
  made.append(image);
  made.addEventListener("click", () => enlarge(path, name, language));
  return made;
}

function enlarge(path, name, language) {
  const view = document.getElementById("view");
  const [image, larger, close] = view.querySelectorAll("img, button");
  image.src = path;
  image.alt = name;
  view.classList.remove("larger");
  larger.setAttribute("aria-label", say(language, "web.picture_larger"));
  larger.setAttribute("aria-pressed", "false");
  close.setAttribute("aria-label", say(language, "web.picture_close"));
  view.setAttribute("aria-label", image.alt);
  view.showModal();
}

/** It opens a page of ours beside the chat, and answers nothing. */
function opening(button, language) {
  const made = element("a", `choice ${button.style}`, button.label);
  made.href = button.link;
  made.target = "_blank";
  made.rel = "noopener";
  made.append(element("span", "unseen", ` (${say(language, "web.new_tab")})`));
  return made;
}

const ours = (path) => typeof path === "string" && /^\/(?!\/)/.test(path);

/** The bot's message; `press(button, event, locked)` is called for its buttons, `settled()` when a picture of it is there. */
export function botMessage(message, press, settled) {
  const { language, at } = message;
  const root = element("article", "from-bot");
  root.lang = language;
  const bubble = element("div", "bubble");
  bubble.append(author("web.bot", language), ...message.lines.map(paragraph));
  const pictures = (message.pictures ?? []).filter(ours);
  const name = (n) => say(language, "web.picture") + (pictures.length > 1 ? ` ${n + 1}` : "");
  bubble.append(...pictures.map((path, n) => picture(path, name(n), language, settled)));
  root.append(bubble, meta(language, at));

  let locked = false;
  const buttons = [];
  const group = (name, chosen) => {
    if (!chosen.length) return;
    const box = element("div", name);
    for (const button of chosen) {
      if (ours(button.link)) {
        box.append(opening(button, language));
        continue;
      }
      const made = element("button", `choice ${button.style}`, button.label);
      made.type = "button";
      made.addEventListener("click", (event) => press(button, event, locked));
      buttons.push(made);
      box.append(made);
    }
    root.append(box);
  };
  const all = message.buttons ?? [];
  group("choices", all.filter((button) => button.style !== "quiet"));
  group("quiets", all.filter((button) => button.style === "quiet"));

  return {
    root,
    // Not the `disabled` attribute: it would throw a keyboard's or a screen reader's place back to the page's start.
    lock(on) {
      locked = on;
      for (const button of buttons) {
        if (on) button.setAttribute("aria-disabled", "true");
        else button.removeAttribute("aria-disabled");
      }
    },
  };
}

/** What the person said: words, or a file (a picture shows itself, where the browser can). */
export function ownMessage({ words, file, language, at, retry, settled }) {
  const root = element("article", "from-person");
  root.lang = language;
  const bubble = element("div", "bubble");
  bubble.append(author("web.you", language));
  if (file) bubble.append(fileCard(file, settled));
  else bubble.append(element("p", "", words));
  const state = element("p", "meta");
  root.append(bubble, state);

  return {
    root,
    progress(part) {
      const percent = Math.floor(part * 100);
      if (root.dataset.state === "sending") state.replaceChildren(say(language, "web.sending_part", { percent }));
    },
    state(name) {
      root.dataset.state = name;
      root.classList.toggle("stuck", name === "stuck");
      if (name === "sent") state.replaceChildren(clock(language, at));
      else if (name === "sending") state.replaceChildren(say(language, "web.sending"));
      else if (name === "refused") state.replaceChildren(say(language, "web.not_taken"));
      else {
        const again = element("button", "retry", say(language, "web.retry"));
        again.type = "button";
        again.addEventListener("click", retry);
        state.replaceChildren(element("span", "", say(language, "web.not_sent")), again);
      }
    },
  };
}

function fileCard(file, settled) {
  const name = element("p", "file-name");
  const clip = document.getElementById("phone-template").content.querySelector(".attach svg");
  name.append(clip.cloneNode(true), element("span", "", file.name));
  if (!file.type.startsWith("image/")) return name;
  const card = element("div", "file");
  const picture = element("img", "preview");
  picture.alt = "";
  const url = URL.createObjectURL(file);
  picture.addEventListener("load", () => {
    URL.revokeObjectURL(url);
    settled();
  });
  picture.addEventListener("error", () => {
    URL.revokeObjectURL(url);
    picture.remove(); // a HEIC picture, in most browsers
    settled();
  });
  picture.src = url;
  card.append(picture, name);
  return card;
}

/** Something went wrong; `again` = {words, press} adds a button. */
export function notice(words, language, again) {
  const root = element("div", "notice");
  root.lang = language;
  root.append(element("p", "", words));
  if (again) {
    const button = element("button", "retry", again.words);
    button.type = "button";
    button.addEventListener("click", again.press);
    root.append(button);
  }
  return root;
}
