// What a terminal shows: colours and weights become classes, everything else that steers a terminal is left out.

import { element } from "./parts.js";
import { revealed } from "./text.js";

// Colours and weights; other control sequences; sequences with a text of their own, such as a window's title.
const SEQUENCE = /\u001b\[([0-9;:]*)m|\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]{0,4096}(?:\u0007|\u001b\\)|\u001b[ -/]*[0-~]/g;

/** Whether a text was made for a terminal. */
export function isTerminalText(text) {
  return text.includes("\u001b[") || text.includes("\u001b]");
}

/** Terminal output as nodes. What hides in it is still shown. */
export function terminalNodes(text) {
  const fragment = document.createDocumentFragment();
  let style = {};
  let end = 0;
  const put = (part) => { if (part) fragment.append(styled(overwritten(part), style)); };
  for (const match of text.matchAll(SEQUENCE)) {
    put(text.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[1] !== undefined) style = changedStyle(style, match[1]);
  }
  put(text.slice(end));
  return fragment;
}

/** A line that goes back to its beginning shows what was written last. */
function overwritten(text) {
  return text.replaceAll("\r\n", "\n").replaceAll(/[^\n]*\r(?=[^\n])/g, "").replaceAll("\r", "");
}

function styled(text, style) {
  const names = Object.entries(style).filter(([, on]) => on !== undefined && on !== false)
    .map(([name, value]) => value === true ? `ansi-${name}` : `ansi-${name}-${value}`);
  return names.length ? element("span", { class: names.join(" ") }, revealed(text)) : revealed(text);
}

function changedStyle(before, codes) {
  let style = { ...before };
  const list = (codes || "0").split(/[;:]/).map(Number);
  for (let at = 0; at < list.length; at++) {
    const code = list[at];
    if (code === 0) style = {};
    else if (code === 1) style.bold = true;
    else if (code === 2) style.dim = true;
    else if (code === 3) style.italic = true;
    else if (code === 4) style.underline = true;
    else if (code === 7) style.inverse = true;
    else if (code === 9) style.strike = true;
    else if (code === 22) style.bold = style.dim = false;
    else if (code === 23) style.italic = false;
    else if (code === 24) style.underline = false;
    else if (code === 27) style.inverse = false;
    else if (code === 29) style.strike = false;
    else if (code >= 30 && code <= 37) style.fg = code - 30;
    else if (code >= 90 && code <= 97) style.fg = code - 90 + 8;
    else if (code === 39) style.fg = undefined;
    else if (code >= 40 && code <= 47) style.bg = code - 40;
    else if (code >= 100 && code <= 107) style.bg = code - 100 + 8;
    else if (code === 49) style.bg = undefined;
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(list.slice(at + 1));
      style[code === 38 ? "fg" : "bg"] = colour;
      at += used;
    }
  }
  return style;
}

/** A colour of the 256, or of all: the nearest of the sixteen, which are readable on light and dark ground. */
function extended([kind, ...rest]) {
  if (kind === 5) {
    const n = rest[0] ?? 0;
    if (n < 16) return [n, 2];
    if (n >= 232) return [nearest((n - 232) * 10 + 8, (n - 232) * 10 + 8, (n - 232) * 10 + 8), 2];
    const level = (at) => [0, 95, 135, 175, 215, 255][at];
    return [nearest(level(Math.floor((n - 16) / 36)), level(Math.floor((n - 16) / 6) % 6), level((n - 16) % 6)), 2];
  }
  if (kind === 2) return [nearest(rest[0] ?? 0, rest[1] ?? 0, rest[2] ?? 0), 4];
  return [undefined, 1];
}

function nearest(red, green, blue) {
  const most = Math.max(red, green, blue);
  if (most < 40) return 0;
  const bit = (value) => value > most / 2 ? 1 : 0;
  const colour = bit(red) + 2 * bit(green) + 4 * bit(blue);
  return most > 200 ? colour + 8 : colour;
}
