// One person's phone: a conversation and what to say in it.

import * as api from "./api.js";
import { botMessage, element, notice, ownMessage } from "./bubbles.js";
import { day, firstLanguage, relabel, say } from "./texts.js";

const LARGEST_FILE = 20 * 1024 * 1024;
const TYPING_AT_MOST = 20_000;
const LOCK_AT_MOST = 3000;
const NEAR_THE_END = 80; // px

const INPUTS = {
  text: { mode: "text", capitals: "sentences", complete: "off" },
  digits: { mode: "numeric", capitals: "off", complete: "one-time-code" },
  email: { mode: "email", capitals: "off", complete: "off" },
  none: { mode: "text", capitals: "sentences", complete: "off" },
};

// On a phone, focus in the composer brings up a keyboard that hides half of the conversation.
const fingers = matchMedia("(pointer: coarse)");

export class Phone {
  language = firstLanguage;
  #ids = new Set();
  #outbox = new api.Outbox();
  #live = false; // false while what was said before the page was opened is being replayed
  #opened = false;
  #following = true;
  #top = 0;
  #newest = null;
  #lastDay = "";
  #lockTimer = null;
  #typingTimer = null;

  /** `changed(phone, what)` hears "language" and "message". */
  constructor(slot, changed) {
    this.slot = slot;
    this.changed = changed;
    this.root = document.getElementById("phone-template").content.firstElementChild.cloneNode(true);
    const find = (selector) => this.root.querySelector(selector);
    this.log = find(".log");
    this.thread = find(".thread");
    this.typing = find(".typing");
    this.pill = find(".pill");
    this.status = find("[role=status]");
    this.form = find("form");
    this.words = find("textarea");
    this.picker = find(".picker");
    for (const named of [this.root, find("h2"), this.log]) named.dataset.n = slot;
    relabel(this.root, this.language);

    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.words.addEventListener("keydown", (event) => {
      // 229: Safari ends a composition before it tells of the Enter that ended it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#submit();
    });
    this.words.addEventListener("input", () => this.#grow());
    this.#takeFiles(find(".attach"));
    this.#follow();
  }

  get empty() {
    return this.#ids.size === 0;
  }

  // --- in -------------------------------------------------------------------------------------------------------------

  show(message) {
    if (this.#ids.has(message.id)) return;
    this.#ids.add(message.id);
    const at = message.at || Date.now();
    const language = message.language === "en" ? "en" : "th";
    this.#stopTyping();
    this.#speak(language);
    this.#expect(message.input);

    this.#newest?.root.classList.remove("newest");
    this.#unlock();
    if (message.fresh) this.#clear();
    const shown = botMessage(
      { ...message, language, at },
      (...pressed) => this.#press(shown, ...pressed),
      () => this.#following && this.#toNewest(this.#newest?.root),
    );
    shown.root.classList.add("newest");
    this.#newest = shown;
    const wasFollowing = this.#following;
    this.#add(shown.root, at);
    if (!this.#live || wasFollowing) this.#toNewest(this.#live ? shown.root : null);
    else this.pill.hidden = false;
    this.changed(this, "message");
  }

  /** Somebody logged out: what was said is not for the next person at this screen. */
  #clear() {
    this.thread.replaceChildren();
    this.#lastDay = "";
    this.#newest = null;
    this.words.value = "";
    this.#grow();
  }

  /** All that was said before has been shown. */
  ready() {
    const first = !this.#live;
    this.#live = true;
    this.log.setAttribute("aria-busy", "false");
    if (!first) return;
    if (this.empty) this.#open();
    else this.log.querySelector(".not-kept").hidden = false;
    this.#toNewest(this.#newest?.root);
  }

  /** What was begun takes so many seconds at most, and nothing is said before. */
  busy(seconds) {
    this.#startTyping(seconds * 1000, "web.busy");
    if (this.#following) this.#toNewest();
  }

  connected() {
    this.#outbox.hurry();
  }

  tell(words) {
    this.#add(notice(words, this.language), Date.now());
    this.#toNewest();
  }

  // --- out ------------------------------------------------------------------------------------------------------------

  #open() {
    if (this.#opened) return;
    this.#opened = true;
    let problem = null;
    this.#send(api.message(this.slot, { open: true }), (state, words) => {
      problem?.remove();
      if (state === "refused") this.#refused(words);
      if (state !== "stuck") return;
      const again = { words: say(this.language, "web.retry"), press: () => this.#outbox.hurry() };
      problem = notice(say(this.language, "web.not_reached"), this.language, again);
      this.#add(problem, Date.now());
    });
  }

  #submit() {
    const text = this.words.value.trim();
    this.words.focus();
    if (!text) return;
    this.words.value = "";
    this.#grow();
    this.#say({ words: text }, () => api.message(this.slot, { text }));
  }

  #press(shown, button, event, locked) {
    const byKeyboard = event.detail === 0;
    if (byKeyboard || !fingers.matches) this.words.focus({ preventScroll: true });
    if (locked) return; // a double tap
    this.#unlock();
    shown.lock(true);
    this.locked = shown;
    this.#lockTimer = setTimeout(() => this.#unlock(), LOCK_AT_MOST);
    this.#say({ words: button.label }, () => api.message(this.slot, { press: button.data }));
  }

  #unlock() {
    clearTimeout(this.#lockTimer);
    this.locked?.lock(false);
    this.locked = null;
  }

  async #sendFiles(files) {
    for (const [index, file] of files.entries()) {
      if (file.size > LARGEST_FILE) {
        this.tell(say(this.language, "web.file_too_large", { name: file.name, max: LARGEST_FILE / 1024 / 1024 }));
        continue;
      }
      try {
        await file.slice(0, 1).arrayBuffer(); // a folder, or a file that is gone: no number of tries would send it
      } catch {
        this.tell(say(this.language, "web.file_unreadable", { name: file.name }));
        continue;
      }
      const place = [index + 1, files.length];
      this.#say({ file }, (progress) => api.file(this.slot, file, place, progress));
    }
  }

  /** `sending(progress)` → what sends it, as often as it is tried. */
  #say(what, sending) {
    const at = Date.now();
    const own = ownMessage({
      ...what,
      at,
      language: this.language,
      retry: () => this.#outbox.hurry(),
      settled: () => this.#following && this.#toNewest(),
    });
    this.#add(own.root, at);
    this.#send(sending(own.progress), (state, words) => {
      own.state(state);
      if (state === "refused") this.#refused(words);
    });
    this.#toNewest();
  }

  #send(send, tell) {
    this.#startTyping();
    this.#outbox.push(send, (state, words) => {
      if (state === "stuck" || state === "refused") this.#stopTyping();
      tell(state, words);
      if (this.#following) this.#toNewest();
    });
  }

  #refused(words) {
    this.tell(words?.[this.language] ?? words?.th ?? say(this.language, "web.error"));
  }

  // --- how it looks ---------------------------------------------------------------------------------------------------

  #add(root, at) {
    const today = new Date(at).toDateString();
    if (today !== this.#lastDay) this.thread.append(element("p", "aside day", day(this.language, at)));
    this.#lastDay = today;
    this.thread.append(root);
  }

  #speak(language) {
    if (language === this.language) return;
    this.language = language;
    this.root.lang = language;
    relabel(this.root, language);
    this.changed(this, "language");
  }

  /** What the bot waits for only chooses the keyboard: anything can be typed, and the bot judges it. */
  #expect(input) {
    const name = INPUTS[input] ? input : "text";
    const { mode, capitals, complete } = INPUTS[name];
    this.words.inputMode = mode;
    this.words.autocapitalize = capitals;
    this.words.autocomplete = complete;
    this.words.spellcheck = name === "text";
    this.words.dataset.hint = `web.placeholder.${name}`;
    relabel(this.words, this.language);
  }

  #grow() {
    this.words.style.height = "auto";
    this.words.style.height = `${this.words.scrollHeight + 2}px`; // + its border; the stylesheet stops it at 4 lines
  }

  #startTyping(most = TYPING_AT_MOST, words = "web.typing") {
    clearTimeout(this.#typingTimer);
    this.typing.hidden = false;
    this.status.textContent = say(this.language, words);
    this.typing.querySelector("p").textContent = words === "web.busy" ? this.status.textContent : "";
    this.#typingTimer = setTimeout(() => this.#stopTyping(), most);
  }

  #stopTyping() {
    clearTimeout(this.#typingTimer);
    this.typing.hidden = true;
    this.status.textContent = "";
  }

  // --- scrolling ------------------------------------------------------------------------------------------------------

  #follow() {
    this.log.addEventListener(
      "scroll",
      () => {
        // only upwards is away: what grows below after we went there (a picture that has loaded) is no wish to leave
        const upwards = this.log.scrollTop < this.#top;
        this.#top = this.log.scrollTop;
        if (this.#nearTheEnd()) this.#following = true;
        else if (upwards) this.#following = false;
        if (this.#following) this.pill.hidden = true;
      },
      { passive: true },
    );
    this.pill.addEventListener("click", () => {
      this.#toNewest();
      this.log.focus({ preventScroll: true });
    });
    // A keyboard that comes up, or a turned phone, must not hide the newest message.
    new ResizeObserver(() => this.#following && this.#toNewest()).observe(this.log);
  }

  #nearTheEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    return scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
  }

  /** To the end; but a message higher than the window is shown from its beginning. */
  #toNewest(root = null) {
    this.pill.hidden = true;
    this.log.scrollTop = this.log.scrollHeight;
    const above = root ? root.getBoundingClientRect().top - this.log.getBoundingClientRect().top - 8 : 0;
    if (above < 0) this.log.scrollTop += above;
    this.#top = this.log.scrollTop;
    this.#following = this.#nearTheEnd();
  }

  // --- files ----------------------------------------------------------------------------------------------------------

  #takeFiles(attach) {
    attach.addEventListener("click", () => this.picker.click());
    this.picker.addEventListener("change", () => {
      this.#sendFiles([...this.picker.files]);
      this.picker.value = ""; // so that the same file can be chosen again
    });
    this.words.addEventListener("paste", (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      this.#sendFiles([...event.clipboardData.files]);
    });
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    this.root.addEventListener("dragover", (event) => this.root.classList.toggle("dropping", carriesFiles(event)));
    this.root.addEventListener("dragleave", (event) => {
      if (!this.root.contains(event.relatedTarget)) this.root.classList.remove("dropping");
    });
    this.root.addEventListener("drop", (event) => {
      this.root.classList.remove("dropping");
      if (carriesFiles(event)) this.#sendFiles([...event.dataTransfer.files]);
    });
  }
}
