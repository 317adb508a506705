// The small parts that everything else is made of. Text only ever becomes text nodes, never markup.

import { hiddenCount, revealed, revealedLine } from "./text.js";

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  // Before the attributes: a browser looks for the direction of a `dir=auto` again with every child that comes.
  node.append(...children.filter((child) => child !== null && child !== undefined));
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value || "";
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

/** A button that sends no form. */
export function button(name, onclick, ...children) {
  return element("button", { type: "button", class: name, onclick }, ...children);
}

export function time(at) {
  const date = new Date(at);
  return element("time", { datetime: at, dir: "ltr", title: date.toLocaleString() },
    date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
}

const MOST_OF_A_NAME = 40;

/**
 * Somebody's name: whatever is in it, it neither hides nor moves what stands around it. `number` tells the second
 * of one name from the first.
 */
export function nameNode(name, number = 1) {
  const letters = [...String(name)];
  const isLong = letters.length > MOST_OF_A_NAME;
  const node = element("bdi", isLong ? { title: name } : {}, revealedLine(isLong ? `${letters.slice(0, MOST_OF_A_NAME - 1).join("")}…` : name));
  return number > 1 ? element("span", { class: "who" }, node, element("span", { class: "number" }, ` (${number})`)) : node;
}

/** Strings and `{name}`s as one sentence. */
export function sentence(parts) {
  return element("span", {}, ...[parts].flat().map((part) => typeof part === "string" ? revealed(part) : nameNode(part.name, part.number)));
}

/** The same as plain text, for titles and for what is spoken. */
export function plain(parts) {
  return [parts].flat().map((part) => typeof part === "string" ? part : part.number > 1 ? `${part.name} (${part.number})` : part.name).join("");
}

/** Who, when, and more. */
export function head(who, at, ...more) {
  return element("p", { class: "head" }, element("strong", {}, sentence(who)), " ", time(at), ...more);
}

export function badge(text, name = text.replaceAll(" ", "-")) {
  return element("span", { class: `badge ${name}` }, text);
}

export function paragraph(text) {
  return element("p", { class: "text", dir: "auto" }, revealed(text));
}

const [LONG_LINES, LONG_CHARACTERS] = [10, 1_000];

/** Text somebody has to judge: exactly as it is, left to right, with everything hidden in it shown. */
export function exactText(text) {
  return element("div", { class: "exact-part" }, element("pre", { class: "exact", dir: "ltr", tabindex: isLong(text) ? 0 : false }, revealed(text)),
    lengthNote(text), hiddenNote(text));
}

export function isLong(text) {
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

/** Seconds as people say them. */
export function duration(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds % 3600 / 60)} min`;
}

/** Texts as one list in a sentence. */
export function listed(texts) {
  return texts.length > 1 ? `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}` : texts[0];
}

/** An identifier as words. */
export function words(identifier) {
  return String(identifier).replaceAll("_", " ");
}

/** The objects of a list that an agent has sent, if it is one. */
export function objects(value) {
  return Array.isArray(value) ? value.filter((item) => item && typeof item === "object") : [];
}
