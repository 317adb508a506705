// Tool calls: what an agent does or wants to do, where and with what, as exactly as it has said it.

import { contentText, words } from "./model.js";
import { count, element, exactText, hiddenNote, time } from "./parts.js";
import { difference, revealed, revealedLine } from "./text.js";

/** A tool call that runs or has run, as an entry of the timeline. */
export function toolNode({ tool, at }) {
  const status = tool.status ?? "pending";
  const contents = objects(tool.content).map(toolContent).filter(Boolean);
  const summary = element("summary", {}, element("span", { class: `mark ${status}`, "aria-label": words(status) }),
    element("span", { class: "title" }, revealedLine(tool.title ?? "Tool call")), element("span", { class: "quiet" }, revealedLine(words(tool.kind ?? ""))), " ", time(at));
  return element("li", { class: "entry tool" }, element("details", { open: contents.some((c) => c.className === "diff") },
    summary, placesNode(tool), ...contents, cutNode(tool)));
}

/** The tool call somebody has to judge: what it is, where, with what, and what of it cannot be shown. */
export function toolCallNode(approval) {
  const call = approval.toolCall ?? {};
  return element("div", { class: "tool-call" }, exactText(call.title ?? approval.prompt),
    call.kind ? element("p", { class: "quiet" }, revealedLine(words(call.kind))) : null,
    placesNode(call), ...objects(call.content).map(toolContent).filter(Boolean), inputNode(call.rawInput),
    call.rawOutput === undefined || call.rawOutput === null ? null : element("div", {}, element("p", { class: "quiet" }, "Its output so far"), inputNode(call.rawOutput)),
    cutNode(call), wholeNode(call));
}

/** Each place on a line of its own, whatever its name holds. */
function placesNode(call) {
  const places = objects(call.locations).map((place) => element("p", { class: "quiet path", dir: "ltr" },
    revealedLine(place.path + (place.line ? `:${place.line}` : ""))));
  return places.length ? element("div", {}, ...places) : null;
}

function toolContent(item) {
  if (item.type === "diff") return diffNode(item);
  if (item.type === "terminal") return element("p", { class: "quiet" }, "Output in the host's terminal");
  if (item.type !== "content") return jsonNode(item);
  const text = contentText(item.content);
  if (text) return exactText(text);
  return item.content?.type === "text" ? null : jsonNode(item.content ?? null);
}

function diffNode(item) {
  const table = element("div", { class: "diff", tabindex: 0 }, element("p", { class: "path", dir: "ltr" }, revealedLine(item.path),
    item.oldText === undefined || item.oldText === null ? element("span", { class: "badge" }, "new file") : null));
  const hidden = hiddenNote(`${item.oldText ?? ""}${item.newText ?? ""}`);
  if (hidden) table.append(hidden);
  for (const [sign, line] of difference(item.oldText ?? "", item.newText ?? "")) {
    table.append(element("div", { class: sign === "+" ? "added" : sign === "-" ? "removed" : "same", dir: "ltr" },
      element("span", { class: "sign", "aria-label": sign === "+" ? "added" : sign === "-" ? "removed" : undefined }, sign), revealed(line)));
  }
  return table;
}

/** The objects of a list that an agent has sent, if it is one. */
export function objects(value) {
  return Array.isArray(value) ? value.filter((item) => item && typeof item === "object") : [];
}

/** What the tool is given: texts as they are, the rest as JSON. */
function inputNode(input) {
  if (input === undefined || input === null) return null;
  const shown = (value) => typeof value === "string" ? exactText(value) : jsonNode(value);
  if (typeof input !== "object" || Array.isArray(input)) return shown(input);
  return element("dl", { class: "input" }, ...Object.entries(input).flatMap(([name, value]) =>
    [element("dt", {}, revealedLine(name)), element("dd", {}, shown(value))]));
}

/** A value as JSON; a number that this page cannot hold as it was sent is said to be one. */
function jsonNode(value) {
  let isRounded = false;
  const text = JSON.stringify(value, (_, part) => {
    isRounded ||= typeof part === "number" && Number.isInteger(part) && !Number.isSafeInteger(part);
    return part;
  }, 2);
  const node = exactText(text);
  if (isRounded) node.append(element("p", { class: "warning" }, "A number in this is too large to be shown exactly; its last digits may be others."));
  return node;
}

/** Everything the agent has sent about it, for whoever wants to see also what has no place above. */
function wholeNode(call) {
  const node = element("details", { class: "whole" }, element("summary", { class: "quiet" }, "The whole request as it came"));
  node.addEventListener("toggle", () => node.append(jsonNode(call)), { once: true });
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

function cutNode(call) {
  const cut = cutFrom(call);
  return cut.length ? element("p", { class: "warning cut" }, revealedLine(`Not everything is shown. Cut because it was too large: ${listed(cut)}.`)) : null;
}

/** Texts as one list in a sentence. */
export function listed(texts) {
  return texts.length > 1 ? `${texts.slice(0, -1).join(", ")} and ${texts.at(-1)}` : texts[0];
}
