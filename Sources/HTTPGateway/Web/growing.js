// Plain text that grows: what is new is added, what hides in it is shown.

import { element } from "./parts.js";
import { hiddenCount, revealed } from "./text.js";

export class GrowingText {
  constructor(tag = "p", attributes = { class: "text plain", dir: "auto" }) {
    this.node = element(tag, attributes);
    this.text = "";
  }

  update(text) {
    if (text === this.text) return;
    const isLonger = text.startsWith(this.text);
    const more = isLonger ? text.slice(this.text.length) : text;
    if (!isLonger) this.node.replaceChildren();
    const last = this.node.lastChild;
    if (last?.nodeType === Node.TEXT_NODE && !hiddenCount(more)) last.appendData(more);
    else this.node.append(revealed(more));
    this.text = text;
  }
}
