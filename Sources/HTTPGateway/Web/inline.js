// Markdown within a line: emphasis, code, links. Built from nodes only, in time that grows with the text and not faster.

import { element } from "./parts.js";
import { revealed, revealedLine } from "./text.js";

const TOKEN = new RegExp([
  "(?<escape>\\\\[!-/:-@[-`{-~])",
  "(?<ticks>`+)",
  "(?<link>!?\\[(?:[^\\[\\]\\\\]|\\\\.){0,1000}\\]\\((?:<[^<>\\n]{0,2000}>|[^\\s()<>]{0,2000}(?:\\([^\\s()<>]{0,200}\\)[^\\s()<>]{0,2000}){0,8})(?:[ \\t]+\"[^\"\\n]{0,300}\")?\\))",
  "(?<angle><(?:https?:\\/\\/|mailto:)[^\\s<>]{1,2000}>)",
  "(?<bare>(?<![\\w@/])https?:\\/\\/[^\\s<>\"'`\\]]{1,2000})",
  "(?<delimiter>\\*+|_+|~~)",
].join("|"), "g");

/** A paragraph's nodes. */
export function inlineNodes(text, depth = 0) {
  const tokens = tokensOf(text, depth);
  pairUp(tokens);
  const root = document.createDocumentFragment();
  const open = [root];
  for (const token of tokens) {
    if (token.opens) {
      const node = element(token.opens);
      open.at(-1).append(node);
      open.push(node);
    } else if (token.closes) {
      open.pop();
    } else {
      open.at(-1).append(token.node ?? revealed(token.text));
    }
  }
  return root;
}

function tokensOf(text, depth) {
  const tokens = [];
  const runs = tickRuns(text);
  let end = 0;
  TOKEN.lastIndex = 0;
  const pattern = new RegExp(TOKEN);
  for (let match; (match = pattern.exec(text));) {
    const at = match.index;
    let node = null, next = at + match[0].length;
    const { escape, ticks, link, angle, bare, delimiter } = match.groups;
    if (escape) node = document.createTextNode(escape[1]);
    else if (ticks) {
      const close = closingRun(runs, ticks.length, next);
      if (close === undefined) continue;
      const code = text.slice(next, close).replaceAll("\n", " ");
      node = element("code", {}, revealed(/^ .*[^ ].* $/.test(code) ? code.slice(1, -1) : code));
      next = close + ticks.length;
    } else if (link) node = linkNode(link, depth);
    else if (angle) node = anchor(angle.slice(1, -1), null);
    else if (bare) {
      const address = bare.replace(/[.,;:!?)*_~]+$/, (tail) => tail.startsWith(")") && bare.includes("(") ? ")" : "");
      node = anchor(address, null);
      next = at + address.length;
    }
    if (!node && !delimiter) continue;
    if (at > end) tokens.push({ text: text.slice(end, at) });
    if (node) tokens.push({ node });
    else tokens.push(...delimiters(text, at, delimiter));
    end = pattern.lastIndex = next;
  }
  if (end < text.length) tokens.push({ text: text.slice(end) });
  return tokens;
}

/** The places of all runs of backticks, by their length. */
function tickRuns(text) {
  const runs = new Map();
  for (const match of text.matchAll(/`+/g)) {
    const { length } = match[0];
    if (!runs.has(length)) runs.set(length, { places: [], at: 0 });
    runs.get(length).places.push(match.index);
  }
  return runs;
}

function closingRun(runs, length, from) {
  const run = runs.get(length);
  while (run && run.places[run.at] < from) run.at++;
  return run?.places[run.at];
}

const BLANK = /[\s]|^$/u;
const WORD = /[\p{L}\p{N}]/u;

/** A run of `*`, `_` or `~~` as what it can open and close. */
function delimiters(text, at, run) {
  const before = text[at - 1] ?? "", after = text[at + run.length] ?? "";
  const sign = run[0];
  const left = !BLANK.test(after), right = !BLANK.test(before);
  const inWord = sign === "_" && WORD.test(before) && WORD.test(after);
  const make = (piece) => ({ text: piece, sign: piece, canOpen: left && !inWord, canClose: right && !inWord });
  if (sign === "~") return [make("~~")];
  const count = Math.min(run.length, 3);
  if (run.length > 3) return [{ text: run }];
  return count === 3 ? [make(sign + sign), make(sign)] : [make(run)];
}

/** Finds for every closer the nearest opener; what finds none is text. */
function pairUp(tokens) {
  const stack = [];
  const waiting = new Map();
  for (const token of tokens) {
    if (!token.sign) continue;
    if (token.canClose && waiting.get(token.sign) > 0) {
      let opener;
      do {
        opener = stack.pop();
        waiting.set(opener.sign, waiting.get(opener.sign) - 1);
      } while (opener.sign !== token.sign);
      opener.opens = token.sign === "~~" ? "del" : token.sign.length === 2 ? "strong" : "em";
      token.closes = true;
    } else if (token.canOpen) {
      stack.push(token);
      waiting.set(token.sign, (waiting.get(token.sign) ?? 0) + 1);
    }
  }
}

function linkNode(link, depth) {
  const isImage = link.startsWith("!");
  const split = link.indexOf("](");
  const label = link.slice(isImage ? 2 : 1, split);
  const address = link.slice(split + 2, -1).replace(/[ \t]+"[^"]*"$/, "").replace(/^<(.*)>$/, "$1");
  // A picture would be a request to somebody else's server: it is a link.
  return anchor(address, isImage ? revealedLine(`Picture: ${label || address}`) : depth < 4 ? inlineNodes(label, depth + 1) : revealedLine(label), label);
}

/** A link that shows where it leads: the host stands beside whatever it is called. Anything but the web and mail stays text. */
export function anchor(address, label, text = address) {
  let url = null;
  try {
    url = new URL(address);
  } catch {
    // A path in the agent's project, most likely.
  }
  if (!url || !["https:", "http:", "mailto:"].includes(url.protocol)) {
    return element("span", {}, label ?? revealedLine(address), label && text !== address ? element("span", { class: "host" }, " (", revealedLine(address), ")") : null);
  }
  const where = url.protocol === "mailto:" ? url.pathname : url.host;
  const node = element("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" }, label ?? revealedLine(address));
  if (label === null && url.host && address.toLowerCase().startsWith(`${url.protocol}//${url.host}`) && !url.username) return node;
  return element("span", {}, node, element("span", { class: "host" }, ` (${where})`));
}
