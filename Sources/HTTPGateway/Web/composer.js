// Where people write. What was begun survives a reload; what was sent and not taken is kept by the outbox.

import { Attachments } from "./attach.js";
import { Commands } from "./commands.js";
import { Outbox, tabStore } from "./outbox.js";
import { revealed } from "./text.js";

const $ = (id) => document.getElementById(id);
const KIND = { comment: "Say something to everybody", prompt: "What should the agent do?" };
const GROWS_BY_ITSELF = CSS.supports("field-sizing", "content");

export class Composer {
  constructor(api, { signal, rights, commands, isBusy, onSent, onLive }) {
    Object.assign(this, { api, rights, isBusy, onSent });
    $("composer-interrupt").checked = false;
    this.commands = new Commands($("commands"), $("composer-text"), { commands, isPrompt: () => this.kind === "prompt", signal });
    const on = (id, type, work) => $(id).addEventListener(type, work, { signal });
    this.problem(null);
    $("composer-text").value = "";
    try {
      const draft = JSON.parse(tabStore.read(api.sessionId, "draft"));
      if (draft?.text) {
        $("composer-text").value = draft.text;
        const kind = document.querySelector(`#composer input[value="${draft.kind === "prompt" ? "prompt" : "comment"}"]`);
        if (kind) kind.checked = true;
      }
    } catch {
      // No draft, or one that cannot be read.
    }
    this.outbox = new Outbox(api, $("outbox"), {
      signal, onSent: () => onSent(),
      onRefused: (item, error) => {
        if (!$("composer-text").value.trim()) this.write(item.text);
        this.problem(error.message);
      },
    });
    this.attachments = new Attachments($("composer"), $("composer-text"), { signal, problem: (text) => this.problem(text), changed: () => { this.becomePrompt(); this.render(); } });
    on("composer", "submit", (event) => { event.preventDefault(); this.send(); });
    on("composer", "change", () => { this.keepDraft(); this.commands.draw(); this.render(); });
    on("composer-text", "input", () => { this.grow(); this.keepSoon(); });
    on("composer-text", "keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) { event.preventDefault(); this.send(); }
    });
    onLive(() => this.outbox.flush());
    signal.addEventListener("abort", () => clearTimeout(this.timer));
    this.grow();
  }

  get kind() { return document.querySelector("#composer input[name=kind]:checked")?.value ?? "comment"; }

  write(text) {
    $("composer-text").value = text;
    this.grow();
    this.keepDraft();
  }

  keepSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keepDraft(), 300);
  }

  keepDraft() {
    clearTimeout(this.timer);
    const text = $("composer-text").value;
    tabStore.keep(this.api.sessionId, "draft", text ? JSON.stringify({ text, kind: this.kind }) : "");
  }

  /** From one line to as many as are written, up to what the style allows. */
  grow() {
    if (GROWS_BY_ITSELF) return;
    const field = $("composer-text");
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight + 2}px`;
  }

  async send() {
    const text = $("composer-text").value;
    if (this.attachments.files.length) return this.sendFiles(text);
    if (!text.trim() || $("composer-send").disabled) return;
    const delivery = !$("composer-interrupt-place").hidden && $("composer-interrupt").checked ? "interrupt" : undefined;
    $("composer-interrupt").checked = false;
    this.write("");
    this.problem(null);
    $("composer-text").focus();
    await this.outbox.add(this.kind, text, delivery);
  }

  /** Files go to the agent, so what is written with them is a prompt. */
  becomePrompt() {
    const prompt = document.querySelector('#composer input[value="prompt"]');
    if (this.attachments.files.length && prompt) prompt.checked = true;
  }

  /** What has files is sent at once or stays where it is: it is too large to be kept for later. */
  async sendFiles(text) {
    if ($("composer-send").disabled || this.isSending) return;
    this.isSending = true;
    this.problem(null);
    try {
      await this.api.post("/prompts", { content: await this.attachments.content(text) });
      this.write("");
      this.attachments.clear();
      this.onSent();
    } catch (error) {
      this.problem(error.message);
    } finally {
      this.isSending = false;
    }
  }

  problem(text) {
    $("composer-error").replaceChildren(revealed(text ?? ""));
    $("composer-error").hidden = !text;
  }

  render() {
    const { mayComment, mayPrompt, needsApproval } = this.rights();
    const isPrompt = this.kind === "prompt";
    const may = isPrompt ? mayPrompt : mayComment;
    $("composer").hidden = !mayComment && !mayPrompt;
    $("composer-send").disabled = !may;
    set($("composer-send"), !isPrompt ? "Send" : needsApproval ? "Propose" : "Run");
    $("composer-interrupt-place").hidden = !(isPrompt && may && this.isBusy());
    const placeholder = KIND[this.kind];
    if ($("composer-text").placeholder !== placeholder) $("composer-text").placeholder = placeholder;
    set($("composer-hint"), !may ? `This session does not let you ${isPrompt ? "prompt" : "comment"} now.`
      : isPrompt && needsApproval ? "The host reads it and decides." : "Ctrl+Enter sends");
  }
}

function set(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Forgets what was begun in a session. */
export function forgetDrafts(sessionId) {
  for (const name of ["draft", "outbox"]) tabStore.keep(sessionId, name, "");
}
