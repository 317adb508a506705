// Tool calls: what an agent does or wants to do, where and with what, as exactly as it has said it.

import { isTerminalText, terminalNodes } from "./ansi.js";
import { changeNode, diffNode, fileName } from "./diffview.js";
import { count, element, exactText, listed, objects, words } from "./parts.js";
import { hiddenCount, revealed, revealedLine } from "./text.js";
import { changesOf, contentText } from "./turns.js";

const VERBS = {
  read: "Read", edit: "Edit", delete: "Delete", move: "Move", search: "Search", execute: "Run", think: "Think", fetch: "Fetch", switch_mode: "Switch mode",
};

/** The command that a tool call runs, where it says so. */
export function commandOf(call) {
  const input = call.rawInput;
  if (!input || typeof input !== "object" || Array.isArray(input)) return null;
  for (const name of ["command", "cmd", "script"]) if (typeof input[name] === "string" && input[name].trim()) return input[name];
  return null;
}

function placesOf(call) {
  return objects(call.locations).filter((place) => place.path !== undefined);
}

/** What it is in few words: `verb` and `target`, and whether the agent's own title says anything more. */
export function askOf(call) {
  const title = String(call.title ?? "").trim();
  const verb = Object.hasOwn(VERBS, call.kind ?? "") ? VERBS[call.kind] : null;
  const command = commandOf(call);
  const paths = [...new Set([...changesOf(call).paths, ...placesOf(call).map((place) => String(place.path))])];
  const target = call.kind === "execute" ? (command ? null : title.replace(/^`(.*)`$/s, "$1"))
    : paths.length === 1 ? fileName(paths[0]) : paths.length > 1 ? count(paths.length, "file") : title;
  if (!verb || (call.kind === "execute" && !command && !target)) return { verb: null, target: title || "Use a tool", title: null, command, paths };
  const same = [command, target, `${verb} ${target}`, `\`${command}\``, `${verb} ${command}`, `${verb} ${paths[0]}`];
  const saysMore = title && !same.some((text) => text && text.toLowerCase() === title.toLowerCase());
  return { verb, target, title: saysMore && target !== title ? title : null, command, paths };
}

/** The head of a request: "Edit Tokenizer.swift +2 −1". */
export function askNode(call) {
  const { verb, target, title, paths } = askOf(call);
  return element("div", { class: "ask" },
    element("p", { class: "verb" }, verb ? element("strong", {}, verb) : null, verb ? " " : null,
      target ? element("bdi", { class: "target", title: paths.length === 1 ? paths[0] : false }, revealedLine(target)) : null, " ", changeNode(changesOf(call))),
    title ? element("p", { class: "quiet says" }, "The agent calls it: ", element("bdi", {}, revealedLine(title))) : null);
}

/** The tool call somebody has to judge: what it is, where, with what, and what of it cannot be shown. */
export function toolCallNode(call) {
  const { command } = askOf(call);
  const contents = objects(call.content).map((item) => contentNode(item, { narrow: true })).filter(Boolean);
  const diffPaths = new Set(changesOf(call).paths);
  const places = placesOf(call).filter((place) => place.line || !diffPaths.has(String(place.path)));
  return element("div", { class: "tool-call" }, askNode(call), command ? exactText(command) : null, ...contents, placesNode(places), cutNode(call), detailsNode(() => call));
}

/** Each place on a line of its own, whatever its name holds. */
export function placesNode(places) {
  const nodes = places.map((place) => element("p", { class: "quiet path", dir: "ltr" }, revealedLine(place.path + (place.line ? `:${place.line}` : ""))));
  return nodes.length ? element("div", {}, ...nodes) : null;
}

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/** A picture that came with the event itself; of any other kind it is only named. */
export function pictureNode({ mimeType, data }) {
  if (!PICTURES.includes(mimeType) || !/^[A-Za-z0-9+/=\s]+$/.test(data ?? "")) return null;
  return element("img", { class: "picture", src: `data:${mimeType};base64,${data}`, alt: "A picture from the agent", loading: "lazy" });
}

/** One part of what a tool call holds. */
export function contentNode(item, { narrow = false } = {}) {
  if (item.type === "diff") return diffNode(item, { narrow });
  if (item.type === "terminal") return element("p", { class: "quiet" }, "Its output is in the host's terminal.");
  if (item.type !== "content") return jsonNode(item);
  if (item.content?.type === "image") return pictureNode(item.content) ?? exactText(contentText(item.content));
  const text = contentText(item.content);
  if (text) return !narrow && isTerminalText(text) ? terminalNode(text) : exactText(text);
  return item.content?.type === "text" ? null : jsonNode(item.content ?? null);
}

export function terminalNode(text) {
  return element("pre", { class: "terminal", dir: "ltr", tabindex: 0, "aria-label": "Terminal output" }, terminalNodes(text));
}

/** Text that has only become longer is added to, so that a selection in it survives. */
export function grows(node, text) {
  const shown = node.querySelector?.("pre.exact")?.firstChild;
  if (!shown || shown.nextSibling || shown.nodeType !== Node.TEXT_NODE || !text.startsWith(shown.data)) return false;
  const more = text.slice(shown.data.length);
  if (hiddenCount(more) || isTerminalText(more)) return false;
  shown.appendData(more);
  return true;
}

/** Raw input and output, and everything as it came, for whoever wants to see also what has no place above. */
export function detailsNode(call, name = "whole") {
  const node = element("details", { class: name }, element("summary", {}, "Details"));
  node.addEventListener("toggle", () => {
    if (!node.open) return;
    for (const old of [...node.children].slice(1)) old.remove();
    const { rawInput, rawOutput } = call();
    node.append(...[
      isThere(rawInput) ? element("div", {}, element("p", { class: "quiet label" }, "Raw input"), inputNode(rawInput)) : null,
      isThere(rawOutput) ? element("div", {}, element("p", { class: "quiet label" }, "Raw output"), inputNode(rawOutput)) : null,
      element("p", { class: "quiet label" }, "The whole request as it came"), jsonNode(call()),
    ].filter(Boolean));
  });
  return node;
}

function isThere(value) { return value !== undefined && value !== null; }

/** What the tool is given: texts as they are, the rest as JSON. */
function inputNode(input) {
  const shown = (value) => typeof value === "string" ? isTerminalText(value) ? element("div", {}, terminalNode(value), exactText(value)) : exactText(value) : jsonNode(value);
  if (typeof input !== "object" || Array.isArray(input)) return shown(input);
  return element("dl", { class: "input" }, ...Object.entries(input).flatMap(([name, value]) =>
    [element("dt", {}, revealedLine(name)), element("dd", {}, shown(value))]));
}

/** A value as JSON; a number that this page cannot hold as it was sent is said to be one. */
export function jsonNode(value) {
  let isRounded = false;
  const text = JSON.stringify(value, (_, part) => {
    isRounded ||= typeof part === "number" && Number.isInteger(part) && !Number.isSafeInteger(part);
    return part;
  }, 2);
  const node = exactText(text);
  if (isRounded) node.append(element("p", { class: "warning" }, "A number in this is too large to be shown exactly; its last digits may be others."));
  return node;
}

const FIELDS = {
  title: "its title", rawInput: "its input", rawOutput: "its output", content: "its content", locations: "the places it touches",
  options: "the answers it offers",
};

/** What was cut from a tool call on its way, as texts; something unreadable counts as cut. */
export function cutFrom(call) {
  const cut = call?._meta?.tandem?.cut;
  if (cut === undefined || cut === null || (Array.isArray(cut) && cut.length === 0)) return [];
  return [cut].flat().map((part) => {
    const size = Number.isSafeInteger(part?.bytes) && part.bytes > 0 ? count(part.bytes, "byte") : "an unknown number of bytes";
    const field = part?.field;
    return `${size} of ${Object.hasOwn(FIELDS, field ?? "") ? FIELDS[field] : typeof field === "string" ? `“${field}”` : "it"}`;
  });
}

export function cutNode(call) {
  const cut = cutFrom(call);
  return cut.length ? element("p", { class: "warning cut" }, revealedLine(`Not everything is shown. Cut because it was too large: ${listed(cut)}.`)) : null;
}

/** The words for where a step stands. */
export function stepState({ call, isOver }) {
  const status = call.status ?? "pending";
  if (isOver) return ["stopped", "Not finished"];
  return { pending: ["pending", "Waiting"], in_progress: ["in_progress", "Running"], completed: ["completed", "Done"], failed: ["failed", "Failed"] }[status] ?? ["other", words(status)];
}

/** The words on a step's row. */
export function stepTitle(call) {
  if (call.title) return revealed(String(call.title).replaceAll("\n", " ").replace(/^`([^`]*)`$/, "$1"));
  const { verb, target } = askOf(call);
  return revealedLine([verb, target].filter(Boolean).join(" "));
}
