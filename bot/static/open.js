/* The button is pressed once: of two presses the second would come from a browser that has no cookie yet. */

const form = document.getElementById("open");
const button = form.querySelector("button");

form.addEventListener("submit", () => setTimeout(() => (button.disabled = true)));
window.addEventListener("pageshow", () => (button.disabled = false));
