// Runs in every page under test: complaints become console errors, and two checks that a script can make by looking.

document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI}`);
});

globalThis.kp7Checks = {
  seen(element) {
    const style = getComputedStyle(element);
    return element.getClientRects().length > 0 && style.visibility !== "hidden" && !element.closest(".unseen");
  },

  say(element) {
    return `${element.tagName.toLowerCase()}.${element.className} ${element.textContent.trim().slice(0, 40)}`;
  },

  /** What sticks out of the window or is cut off in its own box. */
  misfits() {
    const found = [];
    const page = document.scrollingElement;
    if (page.scrollWidth > page.clientWidth) found.push(`page: ${page.scrollWidth} > ${page.clientWidth}`);
    for (const log of document.querySelectorAll(".log")) {
      if (!this.seen(log)) continue;
      if (log.scrollWidth > log.clientWidth) found.push(`log: ${log.scrollWidth} > ${log.clientWidth}`);
      const room = log.getBoundingClientRect();
      for (const element of log.querySelectorAll("p, button, time, article, a")) {
        if (!this.seen(element)) continue;
        const box = element.getBoundingClientRect();
        if (box.left < room.left - 1 || box.right > room.right + 1) found.push(`sideways: ${this.say(element)}`);
      }
    }
    for (const element of document.querySelectorAll("button, h1, h2, .bar-button")) {
      if (!this.seen(element)) continue;
      if (element.scrollWidth > element.clientWidth + 1) found.push(`cut: ${this.say(element)}`);
      if (element.scrollHeight > element.clientHeight + 1 && !element.matches("h1, h2")) {
        found.push(`too low: ${this.say(element)}`);
      }
    }
    for (const title of document.querySelectorAll("h1")) {
      if (title.offsetHeight > 1.5 * parseFloat(getComputedStyle(title).lineHeight)) found.push("title on two lines");
    }
    for (const field of document.querySelectorAll("textarea")) {
      if (!this.seen(field) || field.value) continue;
      if (field.scrollHeight > field.clientHeight + 1) found.push(`hint wraps: ${field.placeholder}`);
    }
    return found;
  },

  /** Controls without a name, pictures without words, targets too small for a thumb, and other basics. */
  nameless() {
    const found = [];
    const labels = (element) => [...(element.labels || [])].map((label) => label.innerText).join("");
    const named = (element) =>
      (
        element.getAttribute("aria-label") || element.innerText || element.alt || element.title || labels(element)
      ).trim();
    const controls = "a, button, input, textarea, select, iframe, [tabindex], [role=log], nav, section";
    for (const element of document.querySelectorAll(controls)) {
      if (this.seen(element) && !named(element)) found.push(`no name: ${this.say(element)}`);
    }
    for (const element of document.querySelectorAll("button, a.bar-button")) {
      if (!this.seen(element)) continue;
      const { width, height } = element.getBoundingClientRect();
      if (width < 44 || height < 44) found.push(`small: ${this.say(element)} ${width} x ${height}`);
    }
    for (const picture of document.querySelectorAll("img")) {
      if (!picture.hasAttribute("alt")) found.push(`no alt: ${picture.src}`);
    }
    for (const element of document.querySelectorAll("[tabindex]")) {
      if (element.tabIndex > 0) found.push(`own tab order: ${this.say(element)}`);
    }
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
    if (new Set(ids).size !== ids.length) found.push("an id twice");
    const count = (what) => [...document.querySelectorAll(what)].filter((element) => this.seen(element)).length;
    if (count("main") !== 1 || count("h1") !== 1) found.push("not one main, one h1");
    if (!["th", "en"].includes(document.documentElement.lang)) found.push("page without language");
    if (!document.title) found.push("page without title");
    for (const message of document.querySelectorAll("article")) {
      if (!["th", "en"].includes(message.lang)) found.push(`message without language: ${this.say(message)}`);
    }
    return found;
  },
};
