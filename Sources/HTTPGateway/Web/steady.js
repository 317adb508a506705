// Nobody answers what has just slid under their pointer: a button answers only once it has stood still for a moment.

const MILLISECONDS = 700;
const SENTENCE = "This has only just appeared or moved, so your click was not taken. Read it, then click again.";

/**
 * Watches the buttons with `data-answer` in an element, and swallows clicks on those that have appeared or moved within
 * the last moment. Where things are is looked at whenever something may have moved, and once more at the click itself.
 */
export class Steady {
  constructor(container, signal, now = () => performance.now()) {
    Object.assign(this, { container, now, known: new WeakMap(), timer: null });
    container.addEventListener("click", (event) => this.click(event), { capture: true, signal });
    const look = () => this.look();
    const isAround = (node) => node.contains(container) || container.contains(node);
    document.addEventListener("scroll", (event) => { if (isAround(event.target)) look(); }, { capture: true, passive: true, signal });
    addEventListener("resize", look, { signal });
    const sizes = new ResizeObserver(look);
    for (const node of [document.body, document.querySelector(".bar"), ...container.children]) sizes.observe(node);
    signal.addEventListener("abort", () => { sizes.disconnect(); clearTimeout(this.timer); });
  }

  /** Takes in where every button is now. */
  look() {
    const now = this.now();
    let wait = 0;
    for (const button of this.container.querySelectorAll("[data-answer]")) {
      const { x, y, width, height } = button.getBoundingClientRect();
      const place = [x, y, width, height].map(Math.round).join();
      const before = this.known.get(button);
      const state = before?.place === place ? before : { place, since: now, born: before?.born ?? now };
      this.known.set(button, state);
      const left = state.since + MILLISECONDS - now;
      wait = Math.max(wait, left);
      if (left > 0) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
    }
    clearTimeout(this.timer);
    if (wait > 0) this.timer = setTimeout(() => this.look(), wait + 10);
  }

  click(event) {
    const button = event.target.closest("[data-answer]");
    if (!button) return;
    this.look();
    const { since, born } = this.known.get(button);
    // A key is pressed on the button that has the focus, wherever that is by now.
    const from = event.detail === 0 ? born : since;
    if (this.now() - from >= MILLISECONDS) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    this.say(button.closest("[data-id]"));
  }

  /** Below the buttons, so that saying it moves none of them. */
  say(card) {
    if (!card || card.querySelector(":scope > .too-soon")) return;
    const note = document.createElement("p");
    note.className = "warning too-soon";
    note.setAttribute("role", "alert");
    note.textContent = SENTENCE;
    card.append(note);
    setTimeout(() => note.remove(), 6_000);
  }
}
