// Files that go with a prompt: pasted, dropped, shown with a way to leave them out, and sent as blocks of it.

import { button, count, element } from "./parts.js";
import { revealed, revealedLine } from "./text.js";

const MOST_FILES = 8;
const MOST_BYTES = 2 * 1024 * 1024;

export class Attachments {
  /** `problem(text)` says what is wrong, `changed()` that there are others now. */
  constructor(form, field, { signal, problem, changed }) {
    Object.assign(this, { files: [], problem, changed });
    this.list = element("ul", { class: "attachments", "aria-label": "What goes with the prompt", hidden: true });
    form.prepend(this.list);
    const take = (event, files) => {
      if (!files?.length) return;
      event.preventDefault();
      this.add([...files]);
    };
    field.addEventListener("paste", (event) => take(event, event.clipboardData?.files), { signal });
    form.addEventListener("dragover", (event) => { if ([...event.dataTransfer.types].includes("Files")) event.preventDefault(); }, { signal });
    form.addEventListener("drop", (event) => take(event, event.dataTransfer?.files), { signal });
    signal.addEventListener("abort", () => this.list.remove());
  }

  add(files) {
    const fits = files.filter((file) => file.size > 0 && file.size <= MOST_BYTES);
    if (fits.length < files.length) this.problem("An attachment may have 2 MiB at most, and needs some content.");
    if (this.files.length + fits.length > MOST_FILES) this.problem(`At most ${MOST_FILES} files go with one prompt.`);
    this.files = [...this.files, ...fits].slice(0, MOST_FILES);
    this.draw();
  }

  clear() {
    this.files = [];
    this.draw();
  }

  draw() {
    this.list.hidden = !this.files.length;
    this.list.replaceChildren(...this.files.map((file) => element("li", {}, element("bdi", {}, revealedLine(file.name || "pasted")),
      element("span", { class: "quiet" }, " ", revealed(count(file.size, "byte"))), " ",
      button("quiet-button small", () => { this.files = this.files.filter((other) => other !== file); this.draw(); }, "Leave out"))));
    this.changed();
  }

  /** The prompt as blocks. */
  async content(text) {
    const blocks = text.trim() ? [{ type: "text", text: text.trim() }] : [];
    for (const file of this.files) blocks.push(await blockOf(file));
    return blocks;
  }
}

async function blockOf(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const type = file.type.startsWith("image/") ? "image" : file.type.startsWith("audio/") ? "audio" : "resource";
  const name = file.name || "pasted";
  if (type !== "resource") return { type, data: base64(bytes), mimeType: file.type, name };
  const resource = { uri: `file:///${encodeURIComponent(name)}`, ...(file.type ? { mimeType: file.type } : {}) };
  const text = textOf(bytes);
  return { type, name, resource: text === null ? { ...resource, blob: base64(bytes) } : { ...resource, text } };
}

function textOf(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/** A value in the one spelling that everybody arrives at (RFC 8785), for digests. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}
