// The steps of a turn: folded into one line with what they came to, each a row that opens.

import { changeNode } from "./diffview.js";
import { GrowingText } from "./growing.js";
import { KeptList, redraw } from "./lists.js";
import { button, count, element, objects } from "./parts.js";
import { contentNode, cutNode, detailsNode, grows, placesNode, stepState, stepTitle } from "./toolcalls.js";
import { changesOf, contentText, sumOf } from "./turns.js";

const MOST_ROWS = 60;

/** Steps that follow each other. One stands by itself; several are folded. */
export class StepsView {
  constructor(item) {
    this.item = item;
    this.isOpen = null;
    this.most = MOST_ROWS;
    this.summary = element("span", { class: "sum" });
    this.now = element("span", { class: "now" });
    this.toggle = button("steps-toggle", () => { this.isOpen = !this.isShown; this.draw(); }, element("span", { class: "chevron", "aria-hidden": "true" }), this.summary, this.now);
    this.earlier = button("quiet-button small", () => { this.most += 200; this.draw(); });
    this.rows = element("ol", { class: "rows" });
    this.list = new KeptList(this.rows, (step) => new StepRow(step).node, () => "", (node, step) => rowOf.get(node).update(step));
    this.node = element("div", { class: "steps-group" }, this.toggle, this.earlier, this.rows);
  }

  update(item) {
    if (this.rev === item.rev) return;
    this.rev = item.rev;
    this.item = item;
    this.draw();
  }

  /** Rows that somebody uses stay where they are when a second step comes. */
  get isShown() {
    const { steps } = this.item;
    if (this.isOpen !== null) return this.isOpen;
    return steps.length === 1 || this.rows.contains(document.activeElement) || this.rows.querySelector("details[open]") !== null;
  }

  draw() {
    const { steps } = this.item;
    const isShown = this.isShown;
    this.toggle.hidden = steps.length === 1;
    this.toggle.setAttribute("aria-expanded", String(isShown));
    this.rows.hidden = !isShown;
    const sum = sumOf(steps);
    redraw(this.summary, JSON.stringify(sum), () => sumNodes(sum));
    const running = steps.findLast((step) => step.call.status === "in_progress" && !step.isOver);
    const failed = steps.filter((step) => step.call.status === "failed").length;
    redraw(this.now, `${running?.id} ${running?.rev} ${failed} ${isShown}`, () => [
      failed ? element("span", { class: "badge failed" }, `${failed} failed`) : null,
      running && !isShown ? element("span", { class: "running-step" }, element("span", { class: "mark in_progress" }), element("bdi", {}, stepTitle(running.call))) : null,
    ]);
    const hidden = Math.max(0, steps.length - this.most);
    this.earlier.hidden = !isShown || !hidden;
    if (hidden) this.earlier.textContent = `Show ${count(Math.min(hidden, 200), "earlier step")}`;
    if (isShown) this.list.render(steps.slice(-this.most));
  }
}

/** "12 steps, 3 files, +40 −7". */
export function sumNodes({ steps, files, added, removed }) {
  return [[count(steps, "step"), files ? count(files, "file") : null].filter(Boolean).join(", "), added || removed ? ", " : null, changeNode({ added, removed })];
}

const rowOf = new WeakMap();

class StepRow {
  constructor(step) {
    this.step = step;
    this.mark = element("span", { class: "mark", "aria-hidden": "true" });
    this.title = element("bdi", { class: "title" });
    this.changes = element("span", {});
    this.state = element("span", { class: "state-word" });
    this.body = element("div", { class: "step-body" });
    this.details = element("details", { class: "step", ontoggle: () => this.draw() },
      element("summary", {}, element("span", { class: "chevron", "aria-hidden": "true" }), this.mark, this.title, this.changes, this.state), this.body);
    this.node = element("li", {}, this.details);
    rowOf.set(this.node, this);
  }

  update(step) {
    if (this.rev === step.rev) return;
    this.rev = step.rev;
    const [name, word] = stepState(step);
    this.mark.className = `mark ${name}`;
    this.state.className = `state-word ${name}`;
    if (this.state.textContent !== word) this.state.textContent = word;
    redraw(this.title, String(step.call.title ?? step.call.kind ?? ""), () => stepTitle(step.call));
    const { added, removed } = changesOf(step.call);
    redraw(this.changes, `${added} ${removed}`, () => changeNode({ added, removed }));
    this.draw();
  }

  /** The inside is made when somebody looks, and what of it has not changed stays. */
  draw() {
    if (!this.details.open || this.drawn === this.step.rev) return;
    this.drawn = this.step.rev;
    const { call } = this.step;
    const contents = objects(call.content);
    this.slots ??= { contents: element("div", {}), places: element("div", {}), cut: element("div", {}), none: element("p", { class: "quiet", hidden: true }, "The agent has not said more about it."),
      details: detailsNode(() => this.step.call, "raw") };
    if (!this.body.firstChild) this.body.append(...Object.values(this.slots));
    const place = this.slots.contents;
    while (place.children.length > contents.length) place.lastElementChild.remove();
    for (const [at, item] of contents.entries()) {
      const slot = place.children[at] ?? place.appendChild(element("div", {}));
      const text = item.type === "content" ? contentText(item.content) : "";
      if (text && grows(slot, text)) continue;
      redraw(slot, JSON.stringify(item), () => contentNode(item));
    }
    const paths = new Set(changesOf(call).paths);
    const places = objects(call.locations).filter((found) => found.path !== undefined && (found.line || !paths.has(String(found.path))));
    redraw(this.slots.places, JSON.stringify(places), () => placesNode(places));
    redraw(this.slots.cut, JSON.stringify(call._meta ?? null), () => cutNode(call));
    this.slots.none.hidden = contents.length > 0 || places.length > 0;
  }
}

/** The words that follow each other while an agent thinks, folded. */
export class ThoughtView {
  constructor() {
    this.text = new GrowingText();
    this.node = element("details", { class: "thought", ontoggle: () => this.draw() },
      element("summary", {}, element("span", { class: "chevron", "aria-hidden": "true" }), "Thoughts"), this.text.node);
  }

  update(item) {
    this.item = item;
    this.draw();
  }

  draw() { if (this.node.open) this.text.update(this.item.text); }
}
