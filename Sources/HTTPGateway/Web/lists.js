// Lists that are drawn again only where something has changed: somebody may be typing into one of their nodes, or about to click.

/**
 * A list of nodes, one for each item, by the item's id. A node stays as long as its `meaning` (a text) does, and is not
 * even taken out of the page: it keeps its focus, what was typed, and its place under the pointer. What may change within
 * a node that stays is the work of `update`.
 */
export class KeptList {
  constructor(container, make, meaning = () => "", update = null) {
    Object.assign(this, { container, make, meaning, update, drawn: new Map() });
    container.replaceChildren();
  }

  render(items) {
    const before = this.drawn;
    this.drawn = new Map();
    for (const item of items) {
      const meaning = this.meaning(item);
      const known = before.get(item.id);
      const kept = known?.meaning === meaning ? known : { meaning, node: this.make(item) };
      this.drawn.set(item.id, kept);
      this.update?.(kept.node, item);
    }
    const wanted = new Set([...this.drawn.values()].map(({ node }) => node));
    const focus = this.focusLost(wanted);
    for (const node of [...this.container.children]) if (!wanted.has(node)) node.remove();
    let place = this.container.firstElementChild;
    for (const node of wanted) {
      if (node === place) place = place.nextElementSibling;
      else this.container.insertBefore(node, place);
    }
    focus?.();
  }

  node(id) { return this.drawn.get(id)?.node; }

  /** Where the focus goes when the node that holds it goes: to what stands next, else to the list's heading. */
  focusLost(wanted) {
    const children = [...this.container.children];
    const at = children.findIndex((node) => !wanted.has(node) && node.contains(document.activeElement));
    if (at < 0) return null;
    const next = children.slice(at + 1).find((node) => wanted.has(node)) ?? children.slice(0, at).findLast((node) => wanted.has(node))
      ?? [...wanted][0] ?? this.container.closest("[data-focus-home]") ?? this.container.closest("[tabindex]");
    if (!next) return null;
    return () => {
      if (!next.hasAttribute("tabindex")) next.tabIndex = -1;
      next.focus({ preventScroll: true });
    };
  }
}

const keys = new WeakMap();

/** Draws what is in a place anew only where its key, a text that stands for all that is shown, is another one. */
export function redraw(place, key, make) {
  if (keys.get(place) === key) return;
  keys.set(place, key);
  place.replaceChildren(...[make()].flat().filter((node) => node !== null && node !== undefined));
}
