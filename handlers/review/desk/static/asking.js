/* What comes with a verdict: why a paper is sent back (1 to 9 choose a reason), an answer, or a second thought.
   Enter sends it, Esc does not. */

import { byId, element, say } from "./words.js";

const OTHER = "other"; // needs words; so it is called in review/rules.py
const dialog = byId("asking");
const words = byId("own-words");
const trouble = byId("asking-trouble");
let asked = null; // {option, done}

/** `done({reason, words, sure})` is called once, if it is sent. */
export function ask(item, option, done) {
  asked = { option, done };
  const reasons = option.asks === "reason" ? item.reasons : [];
  byId("asking-title").textContent = option.sure || say(reasons.length ? "desk.why" : "desk.answer");
  byId("asking-of").textContent = `${item.title} · ${item.name}`;
  byId("asking-send").textContent = option.label;
  byId("reasons").replaceChildren(...reasons.map(choice));
  byId("words-part").hidden = Boolean(option.sure);
  words.value = "";
  trouble.hidden = true;
  dialog.showModal();
  (radios()[0] ?? (option.sure ? byId("asking-title") : words)).focus();
}

function choice({ code, words: label }, i) {
  const made = element("label", "", "reason");
  const radio = element("input");
  radio.type = "radio";
  radio.name = "reason";
  radio.value = code;
  radio.ariaLabel = label;
  made.append(radio, element("kbd", i < 9 ? String(i + 1) : " "), element("span", label));
  return made;
}

const radios = () => [...dialog.querySelectorAll("input[name=reason]")];

/** A digit, by where it stands on the keyboard: on a Thai one other characters stand there. */
function digit(event) {
  const found = /^(?:Digit|Numpad)([1-9])$/.exec(event.code) ?? /^([1-9])$/.exec(event.key);
  return found ? Number(found[1]) : 0;
}

dialog.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key === "Enter" && !event.shiftKey && event.target.tagName !== "BUTTON") {
    event.preventDefault();
    if (!event.repeat) submit();
    return;
  }
  const chosen = event.target === words || event.shiftKey ? 0 : digit(event);
  const radio = radios()[chosen - 1];
  if (!radio) return;
  event.preventDefault();
  radio.checked = true;
  trouble.hidden = true;
  (radio.value === OTHER ? words : radio).focus();
});

function complain(key, field) {
  trouble.textContent = say(key);
  trouble.hidden = false;
  field.focus();
}

function submit() {
  const { option, done } = asked;
  const said = { reason: "", words: words.value.trim(), sure: option.sure ? "yes" : "" };
  if (option.asks === "reason") {
    said.reason = radios().find((radio) => radio.checked)?.value ?? (said.words ? OTHER : "");
    if (!said.reason) return complain("desk.reason_needed", radios()[0]);
    if (said.reason === OTHER && !said.words) return complain("desk.words_needed", words);
  } else if (option.asks === "words" && !said.words) {
    return complain("desk.answer_needed", words);
  }
  dialog.close();
  done(said);
}

byId("asking-form").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
byId("asking-cancel").addEventListener("click", () => dialog.close());
