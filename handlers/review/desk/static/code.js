/* The six digits, and in. */

import { post, Refused } from "./api.js";
import { say } from "./words.js";

const form = document.getElementById("code-form");
const field = document.getElementById("code");
const button = form.querySelector("button");
const trouble = document.getElementById("trouble");

button.disabled = false; // before this script is here, the digits go nowhere

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  button.textContent = say("desk.sending");
  trouble.hidden = true;
  try {
    const { path } = await post(`${window.location.pathname}/code`, { code: field.value });
    window.location.replace(path);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) {
      window.location.reload();
      return;
    }
    trouble.textContent = error instanceof Refused ? error.message : say("desk.unsent");
    trouble.hidden = false;
    button.disabled = false;
    button.textContent = say("desk.enter_code");
    field.value = "";
    field.focus();
  }
});
