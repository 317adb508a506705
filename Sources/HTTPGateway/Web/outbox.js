// What somebody has written and the server has not yet taken: it waits, also through a reload, and goes out with its key, so never twice.

import { randomId } from "./digest.js";
import { Unreachable } from "./errors.js";
import { KeptList } from "./lists.js";
import { button, element } from "./parts.js";
import { revealed } from "./text.js";

const AGAIN_MS = 4_000;

/** A text in this tab's store, by session; it survives a reload and ends with the tab. */
export const tabStore = {
  key: (sessionId, name) => `tandem:${name}:${location.origin}/s/${sessionId}`,
  read(sessionId, name) {
    try {
      return sessionStorage.getItem(this.key(sessionId, name));
    } catch {
      return null;
    }
  },
  keep(sessionId, name, text) {
    try {
      if (text) sessionStorage.setItem(this.key(sessionId, name), text);
      else sessionStorage.removeItem(this.key(sessionId, name));
    } catch {
      // Then it lives as long as the page.
    }
  },
};

export class Outbox {
  /** `onRefused(item, error)` gets back what the server does not take, `onSent(item)` what it has taken. */
  constructor(api, list, { onRefused, onSent, signal }) {
    Object.assign(this, { api, onRefused, onSent, signal, isSending: false });
    this.items = this.kept();
    this.list = new KeptList(list, (item) => this.node(item), (item) => String(item.isLate ?? false));
    list.hidden = true;
    addEventListener("online", () => this.flush(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.timer));
    this.draw();
    this.flush();
  }

  kept() {
    try {
      const items = JSON.parse(tabStore.read(this.api.sessionId, "outbox"));
      return Array.isArray(items) ? items.filter(({ id, text, kind }) => id && text && kind).map((item) => ({ ...item, isLate: true })) : [];
    } catch {
      return [];
    }
  }

  /** `delivery` is interrupt for a prompt that stops what runs. */
  add(kind, text, delivery) {
    this.items.push({ id: randomId(), kind, text, delivery });
    this.save();
    return this.flush();
  }

  save() {
    tabStore.keep(this.api.sessionId, "outbox", this.items.length ? JSON.stringify(this.items) : "");
    this.draw();
  }

  /** Sends what waits, in order. */
  async flush() {
    if (this.isSending || this.signal.aborted) return;
    this.isSending = true;
    clearTimeout(this.timer);
    while (this.items.length && !this.signal.aborted) {
      const [item] = this.items;
      const [path, body] = item.kind === "prompt" ? ["/prompts", { prompt: item.text, delivery: item.delivery }] : ["/messages", { text: item.text }];
      const late = setTimeout(() => { item.isLate = true; this.draw(); }, 1_500);
      try {
        await this.api.post(path, body, { key: item.id, attempts: 1 });
        this.done(item);
        this.onSent(item);
      } catch (error) {
        const isTemporary = error instanceof Unreachable || error.status === 429 || error.status >= 500;
        if (isTemporary) {
          item.isLate = true;
          this.draw();
          this.timer = setTimeout(() => this.flush(), AGAIN_MS);
          break;
        }
        this.done(item);
        this.onRefused(item, error);
      } finally {
        clearTimeout(late);
      }
    }
    this.isSending = false;
  }

  done(item) {
    this.items = this.items.filter((other) => other !== item);
    this.save();
  }

  draw() {
    const late = this.items.filter((item) => item.isLate);
    this.list.container.hidden = late.length === 0;
    this.list.render(late);
  }

  node(item) {
    return element("li", { class: "unsent" }, element("span", { class: "unsent-text" }, revealed(item.text.length > 200 ? `${item.text.slice(0, 200)}…` : item.text)),
      element("span", { class: "warning-text" }, "Not sent yet, reconnecting"), button("quiet-button small", () => this.done(item), "Discard"));
  }
}
