// The timeline: the newest of what has happened, older parts when somebody scrolls to them, and where the reader is in it.

import { button, count, element } from "./parts.js";
import { KeptList } from "./lists.js";
import { commentNode, noteNode, TurnView } from "./turnview.js";

const AT_FIRST = 200;
const NEAR = 80;

export class Timeline {
  constructor(scroller, jump, context, signal) {
    Object.assign(this, { scroller, jump, context, most: AT_FIRST, weight: 0, unread: 0, isAtEnd: true, views: new WeakMap() });
    this.beginning = element("p", { class: "note beginning", hidden: true }, "What happened before this is no longer kept.");
    this.older = button("quiet-button older", () => this.showEarlier(), "Show earlier");
    this.entries = element("ol", { class: "entries" });
    scroller.replaceChildren(element("div", { class: "column" }, this.beginning, this.older, this.entries));
    context.showEarlier = () => this.showEarlier();
    this.list = new KeptList(this.entries, (entry) => this.make(entry), () => "", (node, entry) => this.views.get(node)?.update(entry, this.from.get(entry.id) ?? 0));
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true, signal });
    // What somebody unfolds must not be scrolled away by what comes next.
    scroller.addEventListener("toggle", () => this.look(), { capture: true, signal });
    const sizes = new ResizeObserver(() => { if (this.isAtEnd) this.toEnd(); });
    sizes.observe(scroller);
    signal.addEventListener("abort", () => sizes.disconnect());
    jump.addEventListener("click", () => { this.toEnd(); scroller.focus({ preventScroll: true }); }, { signal });
  }

  make(entry) {
    if (entry.kind === "turn") {
      const view = new TurnView(entry, this.context);
      this.views.set(view.node, view);
      return view.node;
    }
    return entry.kind === "comment" ? commentNode(entry, this.context) : noteNode(entry);
  }

  /** Draws what is new; `mine` says that the reader has just written something themselves, which is always shown. */
  render({ mine = false } = {}) {
    const { entries, isCut } = this.context.model;
    const weight = entries.reduce((sum, entry) => sum + (entry.weight ?? 1), 0);
    const grown = this.weight ? Math.max(0, weight - this.weight) : 0;
    this.weight = weight;
    const stays = this.isAtEnd || mine;
    this.most = stays && this.most > 3 * AT_FIRST ? AT_FIRST : this.most + grown;
    this.draw(entries, isCut);
    if (stays && (mine || !this.isSelecting())) this.toEnd();
    else if (grown) this.unread += grown;
    this.showJump();
  }

  draw(entries, isCut) {
    const shown = [];
    this.from = new Map();
    let left = this.most, at = entries.length - 1;
    for (; at >= 0 && left > 0; at--) {
      const entry = entries[at], weight = entry.weight ?? 1;
      if (weight > left && entry.items) this.from.set(entry.id, Math.max(0, entry.items.length - left));
      left -= weight;
      shown.push(entry);
    }
    this.hasOlder = at >= 0;
    this.older.hidden = !this.hasOlder;
    this.beginning.hidden = this.hasOlder || !isCut;
    this.list.render(shown.reverse());
  }

  showEarlier() {
    const fromEnd = this.scroller.scrollHeight - this.scroller.scrollTop;
    this.most += AT_FIRST;
    this.draw(this.context.model.entries, this.context.model.isCut);
    this.scroller.scrollTop = this.scroller.scrollHeight - fromEnd;
  }

  scrolled() {
    this.look();
    const hasMore = this.hasOlder || this.from?.size;
    if (hasMore && !this.isAtEnd && this.scroller.scrollTop < 300 && !this.isLoading) {
      this.isLoading = true;
      requestAnimationFrame(() => { this.showEarlier(); this.isLoading = false; });
    }
  }

  look() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR;
    this.showJump();
  }

  isSelecting() {
    const selection = document.getSelection();
    return Boolean(selection && !selection.isCollapsed && this.scroller.contains(selection.anchorNode));
  }

  toEnd() {
    this.isAtEnd = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.showJump();
  }

  showJump() {
    if (this.isAtEnd) this.unread = 0;
    this.jump.hidden = this.isAtEnd;
    const text = this.unread ? `Jump to the newest · ${count(this.unread, "new part")}` : "Jump to the newest";
    if (this.jump.textContent !== text) this.jump.textContent = text;
  }
}
