// What can be done by one key, as long as nobody is writing.

const $ = (id) => document.getElementById(id);
const OFF = "tandem:keys-off";

const KEYS = [
  ["n", "Next decision"], ["a", "Approve what has the focus"], ["r", "Reject it"], ["e", "Edit it"], ["s", "Stop the agent (asks first)"],
  ["c", "Write"], ["p", "People and host tools"], ["End", "Jump to the newest"], ["?", "This list"],
];

export class Keys {
  constructor(page, signal) {
    this.page = page;
    $("keys-list").replaceChildren(...KEYS.flatMap(([key, what]) => {
      const name = document.createElement("dt"), text = document.createElement("dd"), cap = document.createElement("kbd");
      cap.textContent = key;
      text.textContent = what;
      name.append(cap);
      return [name, text];
    }));
    $("keys-on").checked = this.isOn;
    $("keys-on").addEventListener("change", () => {
      try {
        if ($("keys-on").checked) localStorage.removeItem(OFF);
        else localStorage.setItem(OFF, "yes");
      } catch {
        // For this visit they stay as they are.
      }
    }, { signal });
    $("open-keys").addEventListener("click", () => $("keys").showModal(), { signal });
    document.addEventListener("keydown", (event) => this.pressed(event), { signal });
  }

  get isOn() {
    try {
      return localStorage.getItem(OFF) === null;
    } catch {
      return true;
    }
  }

  pressed(event) {
    if (event.key === "Escape") return this.page.closePanels();
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    if (event.key !== "?" && !this.isOn) return;
    const act = {
      "?": () => $("keys").showModal(), n: () => this.next(), c: () => this.page.write(), p: () => this.page.openDrawer(),
      a: () => this.answer("approve"), r: () => this.answer("reject"), e: () => this.answer("edit"),
      s: () => this.page.askToStop(), End: () => $("jump").click(),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  get card() { return document.activeElement?.closest("#pending > article"); }

  next() {
    const cards = [...$("pending").children];
    if (!cards.length) return;
    this.page.openSheet();
    const next = cards[(cards.indexOf(this.card) + 1) % cards.length];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  /** Only on the card that has the focus, so that a key never answers what nobody looks at. */
  answer(what) {
    this.card?.querySelector(`[data-do="${what}"]`)?.click();
  }
}
