// The one stream that brings every person's messages. The browser reconnects by itself after a broken line and tells the
// server the last id it saw; it gives up after an error answer, and a sleeping phone may hold a dead line: both are
// opened anew here. The server then replays, and what is already shown is skipped by its id.

const PATIENCE = 1500; // a line that is back sooner than this was never worth a warning
const SLEEP = 60_000;

export function listen({ message, busy, ready, up, down }) {
  let source = null;
  let wait = 1000;
  let warning = null;
  let reopening = null;
  let hiddenSince = 0;

  function lost() {
    warning ??= setTimeout(down, PATIENCE);
  }

  function open() {
    clearTimeout(reopening);
    reopening = null;
    source?.close();
    source = new EventSource("/chat/stream");
    source.addEventListener("open", () => {
      clearTimeout(warning);
      warning = null;
      wait = 1000;
      up();
    });
    source.addEventListener("message", (event) => message(JSON.parse(event.data)));
    source.addEventListener("busy", (event) => busy(JSON.parse(event.data)));
    source.addEventListener("ready", ready);
    source.addEventListener("error", () => {
      lost();
      if (source.readyState !== EventSource.CLOSED || reopening) return;
      reopening = setTimeout(open, wait);
      wait = Math.min(wait * 2, 15_000);
    });
  }

  addEventListener("offline", lost);
  addEventListener("online", open);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hiddenSince = Date.now();
    else if (hiddenSince && Date.now() - hiddenSince > SLEEP) open();
  });
  open();
}
