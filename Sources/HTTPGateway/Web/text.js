// Text as it really is: invisible and bidirectional characters made visible.

const NAMES = new Map(Object.entries({
  0x00ad: "soft hyphen", 0x034f: "grapheme joiner", 0x061c: "Arabic letter mark", 0x115f: "Hangul filler",
  0x1160: "Hangul filler", 0x180e: "vowel separator", 0x200b: "zero-width space", 0x200c: "zero-width non-joiner",
  0x200d: "zero-width joiner", 0x200e: "left-to-right mark", 0x200f: "right-to-left mark", 0x2028: "line separator",
  0x2029: "paragraph separator", 0x202a: "left-to-right embedding", 0x202b: "right-to-left embedding",
  0x202c: "pop directional formatting", 0x202d: "left-to-right override", 0x202e: "right-to-left override",
  0x2060: "word joiner", 0x2066: "left-to-right isolate", 0x2067: "right-to-left isolate",
  0x2068: "first strong isolate", 0x2069: "pop directional isolate", 0x3164: "Hangul filler", 0xfeff: "byte order mark",
  0xffa0: "Hangul filler", 0x0009: "tab", 0x000a: "line feed", 0x000d: "carriage return", 0x001b: "escape", 0x0000: "null",
  0x00a0: "no-break space", 0x2800: "blank Braille pattern",
}).map(([code, name]) => [Number(code), name]));

// Controls but tab and line feed, format characters, fillers, blanks that are not spaces, tags, private use, halves of characters;
// of the variation selectors those that do not just choose how the symbol before them looks.
const HIDDEN = new RegExp(["[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u00a0\\u034f\\u115f\\u1160\\u1680\\u17b4\\u17b5\\u180b-\\u180f]",
  "[\\u2000-\\u200a\\u202f\\u205f\\u2060-\\u206f\\u2800\\u3000\\u3164\\uffa0\\u{e0000}-\\u{e0fff}]", "[\\ufe00-\\ufe0d]",
  "(?<!\\p{Extended_Pictographic}|[#*0-9](?=\\ufe0f\\u20e3))[\\ufe0e\\ufe0f]", "\\p{Cf}|\\p{Zl}|\\p{Zp}|\\p{Co}|\\p{Cs}"].join("|"), "gu");
const HIDDEN_IN_LINE = new RegExp(`${HIDDEN.source}|[\\t\\n]`, "gu");

/** The text as nodes, every character that cannot be seen, or that moves others, replaced by its number. */
export function revealed(value, hidden = HIDDEN) {
  const text = String(value);  // Agents send what they like.
  const fragment = document.createDocumentFragment();
  let end = 0, run = null;
  for (const { 0: character, index } of text.matchAll(hidden)) {
    const isAgain = run && index === end && run.character === character;
    if (isAgain && run.count >= MOST_OF_A_RUN) {
      run.node.textContent = `${run.name} × ${(run.count + 1).toLocaleString("en")}`;
    } else {
      if (index > end) fragment.append(text.slice(end, index));
      const node = mark(character);
      fragment.append(node);
      run = isAgain ? { ...run, node } : { character, node, name: node.textContent, count: 0 };
    }
    run.count++;
    end = index + character.length;
  }
  if (end < text.length) fragment.append(text.slice(end));
  return fragment;
}

// So many of one character are shown one by one; of more the last says how many there are.
const MOST_OF_A_RUN = 8;

/** The same for what stands on one line, such as a name or a path: it does not break it. */
export function revealedLine(value) {
  return revealed(value, HIDDEN_IN_LINE);
}

/** The text without them: for comparing, never for showing. */
export function withoutHidden(text) {
  return String(text).replaceAll(HIDDEN, "");
}

/** How many such characters a text holds. */
export function hiddenCount(text) {
  return [...String(text).matchAll(HIDDEN)].length;
}

function mark(character) {
  const code = character.codePointAt(0);
  const number = "U+" + code.toString(16).toUpperCase().padStart(4, "0");
  const node = document.createElement("span");
  node.className = "revealed";
  node.textContent = number;
  node.title = NAMES.get(code) ?? "invisible or special character";
  return node;
}
