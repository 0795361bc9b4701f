// The demo's mailbox: asks every two seconds, shows the newest mail first and makes a code in it easy to take along.

import { clock, firstLanguage as language, relabel, say } from "./texts.js";

const EVERY = 2000;
const CODE = /(?<![\d-])(\d{3})[ -]?(\d{3})(?![\d-])/;

const byId = (id) => document.getElementById(id);
const template = byId("mail-template").content.firstElementChild;

let chosen = null;
let first = true;

function row(mail) {
  const root = template.cloneNode(true);
  relabel(root, language);
  root.dataset.id = mail.id;
  const write = (selector, words) => (root.querySelector(selector).textContent = words);
  write(".to", mail.to);
  write("time", clock(language, mail.at));
  write(".subject", mail.subject);
  write(".preview", mail.text.replace(/\n\s*\n/g, "\n").trim());
  root.querySelector(".open").addEventListener("click", () => choose(mail));
  const code = mail.text.match(CODE);
  if (code) {
    const digits = code[1] + code[2];
    root.querySelector(".code").hidden = false;
    write("output", digits);
    root.querySelector(".copy").addEventListener("click", (event) => copy(digits, root, event.currentTarget));
  }
  return root;
}

async function copy(digits, root, button) {
  try {
    await navigator.clipboard.writeText(digits);
  } catch {
    // No clipboard on plain-http addresses other than localhost: leave the code selected for the person's own copying.
    getSelection().selectAllChildren(root.querySelector("output"));
    if (!document.execCommand("copy")) return;
  }
  button.textContent = say(language, "mailbox.copied");
  setTimeout(() => relabel(button, language), 2000);
}

function list(fresh) {
  const known = new Map([...byId("mails").children].map((root) => [root.dataset.id, root]));
  const unseen = fresh.filter((mail) => !known.has(mail.id));
  byId("none").hidden = fresh.length > 0;
  if (!unseen.length && fresh.length === known.size) return;
  const rows = fresh.map((mail) => known.get(mail.id) ?? row(mail));
  byId("mails").replaceChildren(...rows);
  if (unseen.length && !first) byId("news").textContent = say(language, "mailbox.new", { subject: unseen[0].subject });
}

function choose(mail) {
  chosen = mail;
  document.body.classList.add("opened");
  for (const root of byId("mails").children) root.classList.toggle("chosen", root.dataset.id === mail.id);
  byId("reading").hidden = false;
  byId("subject").textContent = mail.subject;
  byId("facts").textContent = `${say(language, "mailbox.to", { to: mail.to })} · ${clock(language, mail.at)}`;
  byId("text").textContent = mail.text;
  byId("views").hidden = !mail.html;
  view(false);
  byId("reading").focus({ preventScroll: true });
  if (matchMedia("(max-width: 899.98px)").matches) scrollTo(0, 0); // there it takes the list's place
}

function view(html) {
  byId("as-html").setAttribute("aria-pressed", String(html));
  byId("as-text").setAttribute("aria-pressed", String(!html));
  byId("text").hidden = html;
  byId("html").hidden = !html;
  // From an address of its own, so that the server can give a mail's own styles a policy that the page's would forbid.
  if (html) byId("html").src = `/mail/messages/${encodeURIComponent(chosen.id)}/html`;
  else byId("html").removeAttribute("src");
}

byId("as-text").addEventListener("click", () => view(false));
byId("as-html").addEventListener("click", () => view(true));
byId("back").addEventListener("click", () => {
  document.body.classList.remove("opened");
  byId("reading").hidden = true;
  const root = [...byId("mails").children].find((each) => each.dataset.id === chosen.id);
  root?.classList.remove("chosen");
  root?.querySelector(".open").focus();
});

async function ask() {
  if (!document.hidden) {
    try {
      const answer = await fetch("/mail/messages");
      if (!answer.ok) throw new Error(answer.status);
      list((await answer.json()).messages);
      first = false;
      byId("lost").hidden = true;
    } catch {
      byId("lost").hidden = false;
    }
  }
  setTimeout(ask, EVERY);
}

document.title = say(language, "mailbox.title");
relabel(document, language);
ask();
