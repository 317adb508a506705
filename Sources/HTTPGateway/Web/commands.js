// The agent's own commands, offered while somebody begins a prompt with "/".

import { KeptList } from "./lists.js";
import { button, element, objects } from "./parts.js";
import { revealed, revealedLine } from "./text.js";

const MOST = 8;

export class Commands {
  constructor(list, field, { commands, isPrompt, signal }) {
    Object.assign(this, { field, commands, isPrompt });
    this.list = new KeptList(list, (item) => this.node(item));
    list.hidden = true;
    field.addEventListener("input", () => this.draw(), { signal });
    field.addEventListener("keydown", (event) => {
      if (event.key === "ArrowUp" && !list.hidden) { event.preventDefault(); list.querySelector("button")?.focus(); }
    }, { signal });
    list.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const buttons = [...list.querySelectorAll("button")];
      (buttons[buttons.indexOf(document.activeElement) + step] ?? field).focus();
    }, { signal });
  }

  draw() {
    const begun = this.isPrompt() ? this.field.value.match(/^\/(\S*)$/)?.[1].toLowerCase() : undefined;
    const found = begun === undefined ? [] : objects(this.commands()).filter(({ name }) => String(name).toLowerCase().startsWith(begun)).slice(0, MOST);
    this.list.container.hidden = found.length === 0;
    this.list.render(found.map((command) => ({ ...command, id: String(command.name) })));
  }

  node({ name, description, input }) {
    return element("li", {}, button("command", () => {
      this.field.value = `/${name} `;
      this.field.focus();
      this.draw();
    }, element("strong", {}, "/", revealedLine(String(name).slice(0, 60))), input?.hint ? element("span", { class: "quiet" }, " ", revealedLine(String(input.hint).slice(0, 60))) : null,
    element("span", { class: "quiet" }, " ", revealed(String(description ?? "").slice(0, 160)))));
  }
}
