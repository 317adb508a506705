// On a phone: the sheet with what waits for a decision, and the drawer with people and tools. On a wide screen both are just there.

import { revealedLine } from "./text.js";

const $ = (id) => document.getElementById(id);
const NARROW = matchMedia("(max-width: 900px)");

export class Panels {
  /** `onMove` hears that buttons may stand elsewhere now. */
  constructor(signal, onMove = () => {}) {
    this.onMove = onMove;
    const on = (id, work) => $(id).addEventListener("click", work, { signal });
    on("open-people", () => this.toggle("drawer"));
    on("open-waiting", () => this.openSheet());
    on("waiting-bar", () => this.toggle("sheet"));
    for (const id of ["close-sheet", "close-drawer", "backdrop"]) on(id, () => this.close());
    NARROW.addEventListener("change", () => this.show(null), { signal });
    this.show(null);
  }

  get isNarrow() { return NARROW.matches; }

  toggle(name) {
    if (this.open === name) this.close();
    else this.show(name);
  }

  openSheet() {
    if (this.isNarrow) this.show("sheet");
    else $("decisions").focus({ preventScroll: true });
  }

  openDrawer() {
    this.show(this.isNarrow ? "drawer" : null);
    $("drawer").focus({ preventScroll: true });
  }

  close() {
    const opener = { sheet: "waiting-bar", drawer: "open-people" }[this.open];
    if (!opener) return;
    this.show(null);
    const target = $(opener).hidden ? $("composer-text") : $(opener);
    target.focus({ preventScroll: true });
  }

  show(name) {
    const isOpen = this.isNarrow ? name : null;
    const before = this.open;
    this.open = isOpen;
    document.body.classList.toggle("sheet-open", isOpen === "sheet");
    document.body.classList.toggle("drawer-open", isOpen === "drawer");
    $("open-people").setAttribute("aria-expanded", String(isOpen === "drawer"));
    $("waiting-bar").setAttribute("aria-expanded", String(isOpen === "sheet"));
    document.querySelector(".conversation").inert = isOpen === "drawer";
    this.onMove();
    if (isOpen && isOpen !== before) $(isOpen === "sheet" ? "decisions" : "drawer").focus({ preventScroll: true });
  }

  /** What waits, and the oldest of it in words. */
  waiting(pending, sentence, mayDecide) {
    const count = String(pending.length);
    if ($("waiting-count").textContent !== count) $("waiting-count").textContent = count;
    $("open-waiting").hidden = pending.length === 0;
    $("waiting-bar").hidden = pending.length === 0;
    const text = pending.length > 1 ? `${sentence} (and ${pending.length - 1} more)` : sentence;
    if (this.text !== text) $("waiting-text").replaceChildren(revealedLine(text));
    this.text = text;
    const action = mayDecide ? "Review" : "Show";
    if ($("waiting-action").textContent !== action) $("waiting-action").textContent = action;
    if (!pending.length && this.open === "sheet") this.close();
  }
}
