// A diff as nodes: hunks with line numbers, three lines around each change, the rest folded; side by side where there is room.

import { hunks, pairs, rowsOf } from "./diff.js";
import { button, count, element, hiddenNote } from "./parts.js";
import { revealed, revealedLine } from "./text.js";

const WIDE = "tandem:side-by-side";
const MOST_ROWS = 400;

/** The last part of a path. */
export function fileName(path) {
  return String(path).split(/[\\/]/).findLast((part) => part) ?? String(path);
}

/** "+2 −1" as nodes; `null` where nothing has changed. */
export function changeNode({ added, removed }) {
  if (!added && !removed) return null;
  return element("span", { class: "changes" }, element("span", { class: "plus" }, `+${added}`), " ", element("span", { class: "minus" }, `−${removed}`));
}

export function diffNode(item, { narrow = false } = {}) {
  const { rows, added, removed } = rowsOf(item);
  const isNew = item.oldText === undefined || item.oldText === null;
  let isWide = !narrow && prefersWide() && added > 0 && removed > 0;
  const body = element("div", { class: "diff-body", tabindex: 0, role: "group", "aria-label": `Changes of ${fileName(item.path)}` });
  const draw = () => {
    body.classList.toggle("wide", isWide);
    body.replaceChildren(...partNodes(hunks(rows), isWide));
  };
  const toggle = narrow ? null : button("quiet-button small", () => {
    isWide = !isWide;
    toggle.textContent = isWide ? "One column" : "Side by side";
    keepChoice(isWide);
    draw();
  }, isWide ? "One column" : "Side by side");
  draw();
  return element("div", { class: "diff" },
    element("p", { class: "path", dir: "ltr" }, element("span", {}, revealedLine(item.path)), " ", isNew ? element("span", { class: "badge" }, "new file") : null, " ",
      changeNode({ added, removed }), toggle),
    hiddenNote(`${item.oldText ?? ""}${item.newText ?? ""}`), body);
}

function prefersWide() {
  try {
    const kept = localStorage.getItem(WIDE);
    if (kept) return kept === "yes";
  } catch {
    // No store: by the window alone.
  }
  return matchMedia("(min-width: 1280px)").matches;
}

function keepChoice(isWide) {
  try {
    localStorage.setItem(WIDE, isWide ? "yes" : "no");
  } catch {
    // Forgotten with the page.
  }
}

function partNodes(parts, isWide) {
  let left = MOST_ROWS;
  return parts.flatMap((part) => {
    if (part.folded) return [foldNode(part.rows, `${count(part.rows.length, "unchanged line")}`, isWide)];
    const shown = part.rows.slice(0, left), rest = part.rows.slice(left);
    left -= shown.length;
    return [...rowNodes(shown, isWide), ...rest.length ? [foldNode(rest, `${count(rest.length, "more line")}`, isWide)] : []];
  });
}

/** Lines that are shown when somebody asks for them. */
function foldNode(rows, text, isWide) {
  const node = button("fold-row", () => node.replaceWith(...rowNodes(rows, isWide)), `⋯ ${text}`);
  return node;
}

function rowNodes(rows, isWide) {
  if (!isWide) return rows.map((row) => element("div", { class: `row-${name(row)}`, dir: "ltr" }, number(row.old), number(row.new), sign(row), code(row)));
  return pairs(rows).map(([left, right]) => element("div", { class: "pair", dir: "ltr" }, half(left, "old"), half(right, "new")));
}

function half(row, side) {
  if (!row) return element("div", { class: "half row-none" });
  return element("div", { class: `half row-${name(row)}` }, number(row[side]), sign(row), code(row));
}

function name({ sign }) {
  return sign === "+" ? "added" : sign === "-" ? "removed" : "same";
}

function number(value) {
  return element("span", { class: "line-number", "aria-hidden": "true" }, value === undefined ? "" : String(value));
}

function sign({ sign }) {
  const said = sign === "+" ? "added" : sign === "-" ? "removed" : null;
  return element("span", { class: "sign" }, sign === "-" ? "−" : sign, said ? element("span", { class: "hidden" }, said) : null);
}

function code({ text }) {
  return element("span", { class: "line" }, revealed(text));
}
