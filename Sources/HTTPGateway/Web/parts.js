// The small parts that everything else is made of. Text only ever becomes text nodes, never markup.

import { hiddenCount, revealed, revealedLine } from "./text.js";

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value || "";
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function time(at) {
  const date = new Date(at);
  return element("time", { datetime: at, title: date.toLocaleString() }, date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
}

/** Somebody's name: whatever is in it, it neither hides nor moves what stands around it. */
export function nameNode(name) {
  return element("bdi", {}, revealedLine(name));
}

/** Strings and `{name}`s as one sentence. */
export function sentence(parts) {
  return element("span", {}, ...[parts].flat().map((part) => typeof part === "string" ? revealed(part) : nameNode(part.name)));
}

/** Who, when, and more. */
export function head(who, at, ...more) {
  return element("p", { class: "head" }, element("strong", {}, sentence(who)), " ", time(at), ...more);
}

export function badge(text) {
  return element("span", { class: `badge ${text.replaceAll(" ", "-")}` }, text);
}

export function paragraph(text) {
  return element("p", { class: "text", dir: "auto" }, revealed(text));
}

const [LONG_LINES, LONG_CHARACTERS] = [10, 1_000];

/** Text somebody has to judge: exactly as it is, left to right, with everything hidden in it shown. */
export function exactText(text) {
  return element("div", {}, element("pre", { class: "exact", dir: "ltr", tabindex: isLong(text) ? 0 : false }, revealed(text)), lengthNote(text), hiddenNote(text));
}

function isLong(text) {
  return String(text).length > LONG_CHARACTERS || String(text).split("\n").length > LONG_LINES;
}

/** How much there is to read where not all of it can be seen at once. */
function lengthNote(text) {
  if (!isLong(text)) return null;
  return element("p", { class: "quiet" }, `${count(String(text).split("\n").length, "line")}, ${count(String(text).length, "character")}: scroll in it to read it all.`);
}

export function hiddenNote(text) {
  const hidden = hiddenCount(text);
  return hidden ? element("p", { class: "warning" }, `${count(hidden, "invisible or direction-changing character")} in this text, shown as numbers.`) : null;
}

/** A number and what it counts. */
export function count(number, thing) {
  return `${number.toLocaleString("en")} ${thing}${number === 1 ? "" : "s"}`;
}
