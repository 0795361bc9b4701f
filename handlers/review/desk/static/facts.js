/* What is known in words: on the right what the roster says and what was decided before; in the middle what somebody
   asks for, where that is no paper. */

import { post, Refused } from "./api.js";
import { proven } from "./proof.js";
import { nationalId } from "./stock.js";
import { byId, element, say } from "./words.js";

let shown = null;

export function show(item) {
  shown = item;
  byId("roster").replaceChildren(
    ...item.facts.flatMap(({ key, label, value }) => {
      const told = element("dd", value);
      told.dataset.key = key;
      return [element("dt", label), told];
    }),
  );
  byId("lines").replaceChildren(...item.lines.map((line) => element("p", line)));
  byId("lines").hidden = !item.lines.length;
  byId("reveal").hidden = !item.facts.some(({ key }) => key === "national_id");
  byId("history-part").hidden = !item.history.length;
  byId("history").replaceChildren(...item.history.map(verdict));
}

export const clear = () => show({ facts: [], lines: [], history: [] });

function verdict({ verdict: what, at, officer, reason, words }) {
  const row = element("li");
  row.append(element("strong", what), element("span", ` ${at}`), element("br"), element("span", officer));
  for (const line of [reason, words]) {
    if (line) row.append(element("p", line));
  }
  return row;
}

byId("reveal").addEventListener("click", async () => {
  const item = shown;
  try {
    const told = await proven(() => post(nationalId(item.id), { ticket: item.ticket }));
    if (!told || shown !== item) return;
    byId("roster").querySelector("[data-key=national_id]").textContent = told.national_id;
    byId("reveal").hidden = true;
  } catch (error) {
    byId("trouble").textContent = error instanceof Refused ? error.message : say("desk.unsent");
    byId("trouble").hidden = false;
  }
});
