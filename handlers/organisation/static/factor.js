/* The first code: it is sent without leaving the page, which would make another secret. */

const PATIENCE = 30000; // ms

const byId = (id) => document.getElementById(id);
const form = byId("confirm");
const button = form.querySelector("button");

function complain(words) {
  const trouble = byId("trouble");
  trouble.textContent = words;
  trouble.hidden = false;
  byId("code").select();
}

function send(code) {
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), PATIENCE);
  return fetch(`${window.location.pathname}/confirm`, {
    method: "POST",
    credentials: "same-origin",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code }),
    signal: stop.signal,
  })
    .then((answer) => (answer.ok ? "" : answer.json().then(({ message }) => message)))
    .catch(() => form.dataset.unsent)
    .then((trouble) => {
      clearTimeout(late);
      return trouble;
    });
}

function finish() {
  const main = byId("main");
  const done = byId("done").content.cloneNode(true);
  main.textContent = "";
  main.appendChild(done);
  window.scrollTo(0, 0);
  main.querySelector("h2").focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  button.disabled = true;
  byId("trouble").hidden = true;
  send(byId("code").value).then((trouble) => {
    button.disabled = false;
    if (trouble) complain(trouble);
    else finish();
  });
});
