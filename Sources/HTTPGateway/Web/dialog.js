// One question before something that cannot be undone.

import { sentence } from "./parts.js";

const $ = (id) => document.getElementById(id);

/** Asks; closing the question in any way but its button is a no. `more` is an element that belongs to the question. */
export function confirm(parts, { yes = "Yes", more = null } = {}) {
  const dialog = $("confirm");
  $("confirm-text").replaceChildren(sentence(parts));
  $("confirm-more").replaceChildren(...(more ? [more] : []));
  $("confirm-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}
