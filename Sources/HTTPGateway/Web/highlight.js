// Colours for code: comments, strings, numbers and words of the language. Never a parser, and never in the way: what it
// does not know it leaves as text.

import { element } from "./parts.js";
import { revealed } from "./text.js";

const C_LIKE = { line: "//", block: true, quotes: "\"'`" };
const C = "auto bool break case catch char class const constexpr continue default delete do double else enum extern false float for if "
  + "include inline int long namespace new nullptr private protected public return short signed sizeof static struct switch template this "
  + "throw true try typedef typename union unsigned using virtual void volatile while";
const JAVA = "abstract as assert async await base boolean break byte case catch char class const continue data default do double else enum extends "
  + "false final finally float for foreach fun if implements import in instanceof int interface internal is let long namespace new null object "
  + "open out override package private protected public readonly return sealed short static string super suspend switch this throw throws true try "
  + "val var void when while yield";
const JS = "abstract any as async await boolean break case catch class const continue declare default delete do else enum export extends false "
  + "finally for from function get if implements import in instanceof interface keyof let new null number of private protected public readonly "
  + "return set static string super switch this throw true try type typeof undefined unknown var void while yield";
const LANGUAGES = {
  swift: { ...C_LIKE, quotes: "\"", words: "actor any as associatedtype async await borrowing break case catch class consuming continue convenience default defer "
    + "deinit do else enum extension fallthrough false fileprivate final for func get guard if import in indirect init inout internal is lazy let "
    + "mutating nil nonisolated open operator override private protocol public repeat rethrows return self Self sending set some static struct "
    + "subscript super switch throw throws true try typealias unowned var weak where while" },
  js: { ...C_LIKE, words: JS },
  c: { ...C_LIKE, quotes: "\"'", words: C },
  java: { ...C_LIKE, quotes: "\"'", words: JAVA },
  go: { ...C_LIKE, words: "break case chan const continue default defer else fallthrough false for func go goto if import interface iota map nil package range "
    + "return select struct switch true type var bool byte error int int64 string uint any" },
  rust: { ...C_LIKE, quotes: "\"", words: "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref "
    + "return self Self static struct super trait true type unsafe use where while bool char str String Vec Option Result i32 i64 u8 u32 u64 usize" },
  python: { line: "#", triple: true, quotes: "\"'", words: "and as assert async await break class continue def del elif else except False finally for from global "
    + "if import in is lambda match None nonlocal not or pass raise return True try while with yield self" },
  ruby: { line: "#", quotes: "\"'", words: "alias and begin break case class def do else elsif end ensure false for if in module next nil not or redo rescue retry "
    + "return self super then true undef unless until when while yield require attr_reader attr_accessor" },
  lua: { line: "--", quotes: "\"'", words: "and break do else elseif end false for function goto if in local nil not or repeat return then true until while" },
  bash: { line: "#", quotes: "\"'", words: "case do done elif else esac exit export fi for function if in local read return set shift source then until while cd echo" },
  json: { quotes: "\"", words: "true false null" },
  yaml: { line: "#", quotes: "\"'", words: "true false null yes no" },
  sql: { line: "--", block: true, quotes: "'\"", ignoresCase: true, words: "add all alter and as asc between by case column constraint create cross default delete desc "
    + "distinct drop else end exists foreign from full group having if in index inner insert into is join key left like limit not null offset on or order "
    + "outer primary references returning right select set table then union unique update values view when where with" },
  css: { block: true, quotes: "\"'", words: "important media supports import keyframes from to auto none inherit initial" },
  markup: { markup: true },
  diff: { isDiff: true },
};
const NAMES = {
  javascript: "js", jsx: "js", mjs: "js", ts: "js", tsx: "js", typescript: "js", py: "python", python3: "python", sh: "bash", shell: "bash", zsh: "bash",
  console: "bash", "shell-session": "bash", makefile: "bash", make: "bash", dockerfile: "bash", toml: "yaml", ini: "yaml", yml: "yaml", jsonc: "json",
  json5: "json", rs: "rust", golang: "go", rb: "ruby", cpp: "c", "c++": "c", h: "c", hpp: "c", cc: "c", objc: "c", kotlin: "java", kt: "java", cs: "java",
  csharp: "java", "c#": "java", scala: "java", dart: "java", php: "java", html: "markup", xml: "markup", svg: "markup", vue: "markup", patch: "diff",
  scss: "css", less: "css", postgresql: "sql", mysql: "sql",
};
const MOST_CHARACTERS = 60_000;
const compiled = new Map();

/** Code as nodes. */
export function highlighted(code, name) {
  const language = languageOf(name);
  if (!language || code.length > MOST_CHARACTERS) return revealed(code);
  if (language.isDiff) return diffLines(code);
  const fragment = document.createDocumentFragment();
  let end = 0;
  for (const match of code.matchAll(patternOf(language))) {
    const kind = Object.keys(match.groups).find((group) => match.groups[group] !== undefined);
    if (kind === "word" && !language.set.has(language.ignoresCase ? match[0].toLowerCase() : match[0])) continue;
    fragment.append(revealed(code.slice(end, match.index)), element("span", { class: `tok-${kind}` }, revealed(match[0])));
    end = match.index + match[0].length;
  }
  fragment.append(revealed(code.slice(end)));
  return fragment;
}

function languageOf(name) {
  const word = String(name ?? "").toLowerCase();
  const key = Object.hasOwn(NAMES, word) ? NAMES[word] : word;
  return Object.hasOwn(LANGUAGES, key) ? LANGUAGES[key] : null;
}

function patternOf(language) {
  if (compiled.has(language)) return compiled.get(language);
  language.set = new Set((language.words ?? "").split(" "));
  const comments = [], strings = [];
  if (language.block) comments.push("/\\*[^]*?(?:\\*/|$)");
  if (language.line) comments.push(`${language.line === "#" ? "(?<![\\w$&])#" : language.line}[^\\n]*`);
  if (language.triple) strings.push("\"\"\"[^]*?(?:\"\"\"|$)", "'''[^]*?(?:'''|$)");
  for (const quote of language.quotes ?? "") strings.push(`${quote}(?:[^${quote}\\\\${quote === "`" ? "" : "\\n"}]|\\\\[^])*${quote}`);
  const parts = language.markup
    ? ["(?<comment><!--[^]*?(?:-->|$))", "(?<word>(?<=</?)[\\w:-]+)", "(?<string>\"[^\"<>]*\"|'[^'<>]*')"]
    : [comments.length ? `(?<comment>${comments.join("|")})` : null, `(?<string>${strings.join("|")})`,
      "(?<number>\\b(?:0[xob][\\da-fA-F_]+|\\d[\\d_]*(?:\\.\\d+)?)\\b)", "(?<word>[A-Za-z_$][\\w$]*)"];
  if (language.markup) language.set = { has: () => true };
  const pattern = new RegExp(parts.filter(Boolean).join("|"), "gu");
  compiled.set(language, pattern);
  return pattern;
}

function diffLines(code) {
  const fragment = document.createDocumentFragment();
  for (const line of code.split(/(?<=\n)/)) {
    const name = line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : line.startsWith("@@") ? "tok-number" : "";
    fragment.append(name ? element("span", { class: name }, revealed(line)) : revealed(line));
  }
  return fragment;
}
