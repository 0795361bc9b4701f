/* Before papers leave the house, the six digits once more, unless they were given just now. */

import { post, Refused } from "./api.js";
import { byId, data, say } from "./words.js";

const proof = byId("proof-form");
const leaving = byId("export-form");

function ask(is) {
  proof.hidden = !is;
  leaving.hidden = is;
}

if (proof) {
  ask(!data.fresh);
  leaving.addEventListener("submit", () => {
    byId("said").textContent = say("desk.export_begun");
    setTimeout(() => ask(true)); // the next time they are asked for again
  });
  proof.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = proof.querySelector("button");
    button.disabled = true;
    byId("trouble").hidden = true;
    try {
      await post("/console/proof", { code: byId("code").value });
      leaving.requestSubmit();
    } catch (error) {
      if (error instanceof Refused && error.status === 401) window.location.reload();
      byId("trouble").textContent = error instanceof Refused ? error.message : say("desk.unsent");
      byId("trouble").hidden = false;
      byId("code").focus();
    }
    byId("code").value = "";
    button.disabled = false;
  });
}
