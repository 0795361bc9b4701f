/* The way back to the chat: this page was opened beside it, so it is closed. Where a browser does not let a page close
   itself, the link is followed. */

export function leads(link) {
  if (link) link.addEventListener("click", () => window.close());
}

leads(document.getElementById("back")); // of a page that was loaded again after signing
