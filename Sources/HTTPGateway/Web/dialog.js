// One question before something that cannot be undone.

import { sentence } from "./parts.js";

const $ = (id) => document.getElementById(id);

/** Asks; closing the question in any way but its button is a no. */
export function confirm(parts) {
  const dialog = $("confirm");
  $("confirm-text").replaceChildren(sentence(parts));
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}
