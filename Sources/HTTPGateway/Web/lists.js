// Lists that are drawn again only where something has changed: somebody may be typing into one of their nodes, or about to click.

/**
 * A list of nodes, one for each item, by the item's id. A node stays as long as its `meaning` (a text) does, and is not
 * even taken out of the page: it keeps its focus, what was typed, and its place under the pointer.
 */
export class KeptList {
  constructor(container, make, meaning) {
    Object.assign(this, { container, make, meaning, drawn: new Map() });
    container.replaceChildren();
  }

  render(items) {
    const before = this.drawn;
    this.drawn = new Map();
    for (const item of items) {
      const meaning = this.meaning(item);
      const known = before.get(item.id);
      this.drawn.set(item.id, known?.meaning === meaning ? known : { meaning, node: this.make(item) });
    }
    const wanted = [...this.drawn.values()].map(({ node }) => node);
    for (const node of [...this.container.children]) if (!wanted.includes(node)) node.remove();
    let place = this.container.firstElementChild;
    for (const node of wanted) {
      if (node === place) place = place.nextElementSibling;
      else this.container.insertBefore(node, place);
    }
  }
}
