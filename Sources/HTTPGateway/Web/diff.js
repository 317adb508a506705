// What differs between two texts: lines with their numbers, folded to what has changed and a little around it. No DOM in here.

const MOST_CELLS = 250_000;

/** The lines of two texts as [sign, line], sign being " ", "-" or "+". */
export function difference(before, after) {
  const [a, b] = [lines(before), lines(after)];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) { endA--; endB--; }
  const middle = changed(a.slice(start, endA), b.slice(start, endB));
  return [...a.slice(0, start).map((l) => [" ", l]), ...middle, ...a.slice(endA).map((l) => [" ", l])];
}

function lines(text) {
  if (!text) return [];
  const all = String(text).split("\n");
  if (all.at(-1) === "") all.pop();
  return all;
}

/** By longest common subsequence; beyond a size simply all of the old and all of the new. */
function changed(a, b) {
  if (a.length * b.length > MOST_CELLS) return [...a.map((l) => ["-", l]), ...b.map((l) => ["+", l])];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * width + j] = a[i] === b[j]
        ? longest[(i + 1) * width + j + 1] + 1
        : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const result = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      result.push([" ", a[i]]);
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1])) {
      result.push(["-", a[i++]]);
    } else {
      result.push(["+", b[j++]]);
    }
  }
  return result;
}

const cache = new WeakMap();

/** A diff as an agent has sent it: `{rows: [{sign, old?, new?, text}], added, removed}`, worked out once for each. */
export function rowsOf(item) {
  const known = cache.get(item);
  if (known) return known;
  let [before, after, added, removed] = [0, 0, 0, 0];
  const rows = difference(item.oldText ?? "", item.newText ?? "").map(([sign, text]) => {
    if (sign === "+") added++;
    if (sign === "-") removed++;
    return { sign, text, old: sign === "+" ? undefined : ++before, new: sign === "-" ? undefined : ++after };
  });
  const result = { rows, added, removed };
  cache.set(item, result);
  return result;
}

const CONTEXT = 3;

/** The rows in parts: shown ones, and runs of unchanged ones that are folded (`{folded: true, rows}`). */
export function hunks(rows, context = CONTEXT) {
  const near = new Uint8Array(rows.length);
  rows.forEach(({ sign }, at) => {
    if (sign !== " ") near.fill(1, Math.max(0, at - context), at + context + 1);
  });
  const parts = [];
  for (const [at, row] of rows.entries()) {
    const folded = !near[at];
    if (parts.at(-1)?.folded === folded) parts.at(-1).rows.push(row);
    else parts.push({ folded, rows: [row] });
  }
  // A fold that hides one line only says more than it saves.
  for (const part of parts) if (part.folded && part.rows.length === 1) part.folded = false;
  return parts;
}

/** Rows side by side: what was removed beside what has come in its place. */
export function pairs(rows) {
  const result = [];
  for (let at = 0; at < rows.length;) {
    if (rows[at].sign === " ") {
      result.push([rows[at], rows[at++]]);
      continue;
    }
    const gone = [], come = [];
    while (at < rows.length && rows[at].sign === "-") gone.push(rows[at++]);
    while (at < rows.length && rows[at].sign === "+") come.push(rows[at++]);
    for (let n = 0; n < Math.max(gone.length, come.length); n++) result.push([gone[n] ?? null, come[n] ?? null]);
  }
  return result;
}
