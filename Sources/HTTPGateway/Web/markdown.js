// Markdown as agents write it: text is cut into blocks, each becomes nodes. A text that grows changes only its last block.

import { highlighted } from "./highlight.js";
import { inlineNodes } from "./inline.js";
import { morphChildren } from "./morph.js";
import { element } from "./parts.js";
import { revealedLine } from "./text.js";

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,8})([-*+]|\d{1,9}[.)])(?:[ \t]+|$)/;
const DELIMITER_ROW = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const DEEPEST = 6;

/** Blocks as `{type, start, end, lines…}`, `start` and `end` being places in the text. */
export function blocksOf(text) {
  const lines = text.split("\n");
  const places = [];
  let place = 0;
  for (const line of lines) {
    places.push(place);
    place += line.length + 1;
  }
  const blocks = [];
  for (let at = 0; at < lines.length;) {
    if (!lines[at].trim()) { at++; continue; }
    const block = blockAt(lines, at);
    block.start = places[at];
    at = block.next;
    block.end = at < lines.length ? places[at] : text.length;
    blocks.push(block);
  }
  return blocks;
}

function blockAt(lines, at) {
  const line = lines[at];
  const fence = line.match(FENCE);
  if (fence) return codeAt(lines, at, fence);
  const heading = line.match(HEADING);
  if (heading) return { type: "heading", level: heading[1].length, text: heading[2] ?? "", next: at + 1 };
  if (RULE.test(line)) return { type: "rule", next: at + 1 };
  if (QUOTE.test(line)) {
    let next = at;
    while (next < lines.length && QUOTE.test(lines[next])) next++;
    return { type: "quote", lines: lines.slice(at, next).map((l) => l.replace(QUOTE, "")), next };
  }
  if (ITEM.test(line)) return listAt(lines, at);
  if (line.includes("|") && DELIMITER_ROW.test(lines[at + 1] ?? "") && cells(line).length === cells(lines[at + 1]).length) return tableAt(lines, at);
  let next = at + 1;
  while (next < lines.length && lines[next].trim() && !startsBlock(lines[next])) next++;
  return { type: "paragraph", text: lines.slice(at, next).join("\n"), next };
}

function startsBlock(line) {
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line);
}

function codeAt(lines, at, [, fence, info]) {
  const close = new RegExp(`^ {0,3}${fence[0]}{${fence.length},}[ \\t]*$`);
  let next = at + 1;
  while (next < lines.length && !close.test(lines[next])) next++;
  const isClosed = next < lines.length;
  return { type: "code", language: info.trim().split(/\s/)[0] ?? "", text: lines.slice(at + 1, next).join("\n"), isClosed, next: isClosed ? next + 1 : next };
}

/** All items until a line that belongs to none; what is indented belongs to the item above it. */
function listAt(lines, at) {
  const first = lines[at].match(ITEM);
  const ordered = /\d/.test(first[2]);
  const items = [];
  let next = at;
  while (next < lines.length) {
    const match = lines[next].match(ITEM);
    if (match && match[1].length <= first[1].length + 1 && /\d/.test(match[2]) === ordered && !RULE.test(lines[next])) {
      items.push({ lines: [lines[next].slice(match[0].length)], indent: Math.min(match[0].length, match[1].length + match[2].length + 1) });
    } else if (!lines[next].trim()) {
      const after = lines[next + 1] ?? "";
      const goesOn = after.match(ITEM) ? after.match(ITEM)[1].length >= first[1].length && /\d/.test(after.match(ITEM)[2]) === ordered : /^ {2,}\S/.test(after);
      if (!goesOn) break;
      items.at(-1).lines.push("");
    } else if (/^\s/.test(lines[next]) || !startsBlock(lines[next])) {
      const { indent } = items.at(-1);
      items.at(-1).lines.push(lines[next].replace(new RegExp(`^\\s{0,${indent}}`), ""));
    } else {
      break;
    }
    next++;
  }
  return { type: "list", ordered, from: ordered ? Number.parseInt(first[2], 10) : 1, items, next };
}

function tableAt(lines, at) {
  let next = at + 2;
  while (next < lines.length && lines[next].includes("|") && lines[next].trim()) next++;
  const align = cells(lines[at + 1]).map((cell) => cell.startsWith(":") && cell.endsWith(":") ? "center" : cell.endsWith(":") ? "end" : "");
  return { type: "table", align, rows: [lines[at], ...lines.slice(at + 2, next)].map(cells), next };
}

function cells(line) {
  const trimmed = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return trimmed.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** A block as one element. */
export function blockNode(block, depth = 0) {
  switch (block.type) {
    case "heading": return element("p", { class: `heading h${block.level}`, role: "heading", "aria-level": 3, dir: "auto" }, inlineNodes(block.text));
    case "rule": return element("hr");
    case "quote": return element("blockquote", {}, nested(block.lines.join("\n"), depth));
    case "code": return codeNode(block);
    case "list": return listNode(block, depth);
    case "table": return tableNode(block);
    default: return element("p", { dir: "auto" }, inlineNodes(block.text));
  }
}

function nested(text, depth) {
  const fragment = document.createDocumentFragment();
  if (depth >= DEEPEST) fragment.append(element("p", { dir: "auto" }, inlineNodes(text)));
  else for (const block of blocksOf(text)) fragment.append(blockNode(block, depth + 1));
  return fragment;
}

function codeNode({ language, text, isClosed }) {
  return element("figure", { class: "code" },
    element("figcaption", {}, element("span", {}, revealedLine(language || "code")), element("button", { type: "button", class: "copy", "data-copy": "code" }, "Copy")),
    element("pre", { tabindex: 0, dir: "ltr", "aria-label": language ? `Code, ${language}` : "Code" },
      element("code", {}, isClosed ? highlighted(text, language) : highlighted(text, ""))));
}

function listNode({ ordered, from, items }, depth) {
  return element(ordered ? "ol" : "ul", ordered && from !== 1 ? { start: from } : {}, ...items.map(({ lines }) => {
    const task = lines[0].match(/^\[([ xX])\][ \t]+/);
    const text = (task ? [lines[0].slice(task[0].length), ...lines.slice(1)] : lines).join("\n").trimEnd();
    const isSimple = !text.includes("\n") || !blocksOf(text).some((block) => block.type !== "paragraph");
    const content = isSimple && !text.includes("\n\n") ? inlineNodes(text) : nested(text, depth);
    const done = task && task[1] !== " ";
    return element("li", { dir: "auto", class: task ? `task ${done ? "done" : ""}` : "" },
      task ? element("span", { class: "box", role: "img", "aria-label": done ? "done" : "to do" }, done ? "☑" : "☐") : null, task ? " " : null, content);
  }));
}

function tableNode({ align, rows: [names, ...rows] }) {
  const cell = (tag) => (text, at) => element(tag, { class: align[at] || false, scope: tag === "th" ? "col" : false, dir: "auto" }, inlineNodes(text ?? ""));
  return element("div", { class: "table", tabindex: 0, role: "group", "aria-label": "Table" }, element("table", {},
    element("thead", {}, element("tr", {}, ...names.map(cell("th")))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...names.map((_, at) => cell("td")(row[at], at)))))));
}

/** A text that grows: finished blocks stay as they are, of the last one only what is new is added. */
export class MarkdownView {
  constructor() {
    this.node = element("div", { class: "text markdown" });
    this.text = "";
    this.settled = 0;
    this.settledNodes = 0;
  }

  update(text) {
    if (text === this.text) return;
    if (!text.startsWith(this.text)) {
      this.node.replaceChildren();
      this.settled = this.settledNodes = 0;
    }
    this.text = text;
    const blocks = blocksOf(text.slice(this.settled));
    const fresh = blocks.map((block) => blockNode(block));
    const children = this.node.children;
    for (const [at, node] of fresh.entries()) {
      const old = children[this.settledNodes + at];
      if (!old) this.node.append(node);
      else if (old.nodeName === node.nodeName) {
        for (const { name } of [...old.attributes]) if (!node.hasAttribute(name)) old.removeAttribute(name);
        for (const { name, value } of node.attributes) old.setAttribute(name, value);
        morphChildren(old, node);
      } else old.replaceWith(node);
    }
    while (children.length > this.settledNodes + fresh.length) this.node.lastElementChild.remove();
    // Everything before the last block can no longer change, whatever comes.
    if (blocks.length > 1) {
      this.settledNodes += blocks.length - 1;
      this.settled += blocks.at(-1).start;
    }
  }
}
