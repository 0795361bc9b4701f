/* What wants digits that are fresh: they are asked for, and it is done again. */

import { post, Refused } from "./api.js";
import { byId, say } from "./words.js";

const STALE = 428; // see api.py
const dialog = byId("proof");
const code = byId("code");
const send = byId("proof-send");
const trouble = byId("proof-trouble");
let answered = () => {};

/** → what `does` brings; undefined where no digits were given */
export async function proven(does) {
  try {
    return await does();
  } catch (error) {
    if (!(error instanceof Refused && error.status === STALE)) throw error;
  }
  return (await digits()) ? does() : undefined;
}

/** → were they right? */
function digits() {
  code.value = "";
  trouble.hidden = true;
  send.disabled = false;
  dialog.returnValue = "";
  dialog.showModal();
  code.focus();
  return new Promise((go) => (answered = go));
}

dialog.addEventListener("close", () => answered(dialog.returnValue === "proved"));
byId("proof-cancel").addEventListener("click", () => dialog.close());
byId("proof-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  send.disabled = true;
  trouble.hidden = true;
  try {
    await post("/console/proof", { code: code.value });
    dialog.close("proved");
  } catch (error) {
    if (error instanceof Refused && error.status === 401) window.location.reload();
    trouble.textContent = error instanceof Refused ? error.message : say("desk.unsent");
    trouble.hidden = false;
    code.value = "";
    code.focus();
  }
  send.disabled = false;
});
