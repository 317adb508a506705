// How the agent works: its modes and options, for those whose prompts it takes. A change goes the way of a prompt.

import { redraw } from "./lists.js";
import { element, objects } from "./parts.js";
import { revealedLine } from "./text.js";

const $ = (id) => document.getElementById(id);

export class Controls {
  /** `send(control)` proposes or makes a change; `rights` says whether the visitor may, and whether it needs a decision. */
  constructor({ send, agent, rights }) {
    Object.assign(this, { send, agent, rights });
  }

  render() {
    const { mayPrompt, needsApproval } = this.rights();
    const { mode, modes, options } = this.agent();
    const all = [...modeControl(mode, objects(modes)), ...objects(options).map(optionControl).filter(Boolean)];
    const isShown = mayPrompt && all.length > 0;
    $("agent-section").hidden = !isShown;
    if (!isShown) return;
    redraw($("agent-controls"), JSON.stringify([needsApproval, all]), () => [
      ...all.map((control) => controlNode(control, (value) => this.send({ ...control.target, value }))),
      element("p", { class: "quiet" }, needsApproval ? "The host decides on a change." : "A change waits for what is queued before it."),
    ]);
  }
}

function modeControl(mode, modes) {
  if (modes.length < 2) return [];
  const choices = modes.map(({ id, name }) => ({ value: id, name: name ?? id }));
  return [{ name: "Mode", current: mode, choices, target: { kind: "mode", id: "mode" } }];
}

/** What is of another kind than these cannot be set here. */
function optionControl({ id, name, type, currentValue, options }) {
  const control = { name: String(name ?? id), current: currentValue, target: { kind: "option", id } };
  if (type === "boolean") return { ...control, isSwitch: true };
  const choices = objects(options).flatMap((choice) => choice.options ? objects(choice.options) : [choice])
    .map(({ value, name }) => ({ value, name: name ?? value }));
  return (type === undefined || type === "select") && choices.length > 1 ? { ...control, choices } : null;
}

/** The field goes back to what is so: the agent says when it has changed. */
function controlNode({ name, current, choices, isSwitch, target }, set) {
  const key = `control-${target.kind}-${target.id}`;
  if (isSwitch) {
    const box = element("input", { type: "checkbox", "data-control": key, checked: current === true });
    box.addEventListener("change", () => { set(box.checked); box.checked = current === true; });
    return element("label", { class: "check" }, box, " ", revealedLine(name));
  }
  const field = element("select", { "data-control": key },
    ...choices.map(({ value, name }) => element("option", { value, selected: value === current }, revealedLine(String(name)))));
  field.addEventListener("change", () => { const { value } = field; field.value = current ?? ""; set(value); });
  return element("label", { class: "field" }, revealedLine(name), " ", field);
}
