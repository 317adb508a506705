// Links to give away: to copy, or to scan from another screen.

import { button, element } from "./parts.js";
import { qrNode } from "./qr.js";

/** A link with what one does with it. */
export function linkNode(url, label) {
  const code = element("details", { class: "qr-place" }, element("summary", {}, "QR code"));
  code.addEventListener("toggle", () => {
    if (!code.open || code.querySelector("svg")) return;
    try {
      code.append(qrNode(url, `QR code of ${label}`));
    } catch (error) {
      code.append(error.message);
    }
  });
  return element("div", { class: "link" }, element("code", { class: "url", tabindex: 0, "aria-label": label }, url),
    element("div", { class: "row start" }, copyButton(() => url, "Copy link"), code));
}

export function copyButton(text, name = "Copy") {
  const node = button("small copy", () => copied(node, text()), name);
  return node;
}

/** Copies a text and says so on the button. */
export async function copied(node, text) {
  const name = node.textContent;
  const isDone = await copy(text);
  node.textContent = isDone ? "Copied" : "Select it and copy it";
  setTimeout(() => { node.textContent = name; }, 2_000);
}

/** Pages that came by plain HTTP from another machine have no clipboard but the old one. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = element("textarea", { class: "hidden", readonly: true });
    field.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    const isDone = document.execCommand("copy");
    field.remove();
    return isDone;
  }
}
