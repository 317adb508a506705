// People of the session, and what waits for the agent: rows that stay, and change in place.

import { redraw } from "./lists.js";
import { badge, button, element, nameNode } from "./parts.js";
import { revealed } from "./text.js";

/** An approved prompt that waits for the agent; its author and whoever may decide can still take it out. */
export function queuedNode(approval, context) {
  const { model, me, actions } = context;
  const mayTakeOut = me.role === "host" || me.canApprove || approval.participantId === me.id;
  const { name, number } = model.who(approval.participantId);
  const out = button("small", () => actions.takeOut(approval.id), "Remove from queue");
  out.setAttribute("data-answer", "");
  return element("li", { "data-id": approval.id }, element("span", { class: "title" }, revealed(approval.editedPrompt ?? approval.prompt)),
    element("span", { class: "quiet" }, nameNode(name, number), " "), mayTakeOut ? out : null);
}

/** A person's row; what is in it is filled in by `updatePerson`. */
export function personNode(person, context) {
  const { me, isEnded } = context;
  const isOther = !isEnded && me.role === "host" && person.id !== me.id && person.role !== "host";
  return element("li", { "data-id": person.id },
    element("span", { class: "presence", role: "img" }), element("span", { class: "name" }),
    person.id === me.id ? element("span", { class: "quiet" }, "(you)") : null, element("span", { class: "role-place" }),
    ...isOther ? meansNodes(person, context) : []);
}

export function updatePerson(node, person, { model }) {
  const presence = node.querySelector(".presence");
  const label = person.online ? "online" : "away";
  if (presence.getAttribute("aria-label") !== label) {
    presence.className = `presence ${person.online ? "online" : ""}`;
    presence.setAttribute("aria-label", label);
    presence.title = label;
  }
  const { name, number } = model.who(person.id);
  redraw(node.querySelector(".name"), `${name} ${number}`, () => nameNode(name, number));
  redraw(node.querySelector(".role-place"), `${person.role} ${person.canApprove ?? false}`, () =>
    [badge(person.role, `role ${person.role}`), person.canApprove && person.role !== "host" ? element("span", { class: "quiet" }, " may approve") : null]);
}

/** What the host can do about a person, folded away. */
function meansNodes(person, { actions }) {
  const other = person.role === "viewer" ? "collaborator" : "viewer";
  const act = (name, text, onclick) => {
    const node = button(`small ${name}`, onclick, text);
    node.setAttribute("data-answer", "");
    return node;
  };
  const means = element("div", { class: "means row start", hidden: true },
    act("change-role", person.role === "viewer" ? "Let them take part" : "Let them only watch", () => actions.changeRole(person.id, other)),
    person.role === "collaborator"
      ? act("may-approve", person.canApprove ? "May no longer approve" : "May approve too", () => actions.letDecide(person.id, !person.canApprove)) : null,
    act("make-host", "Make host", () => actions.handOver(person)),
    act("danger", "Remove", () => actions.remove(person)));
  const toggle = button("quiet-button small means-toggle", () => {
    means.hidden = !means.hidden;
    toggle.setAttribute("aria-expanded", String(!means.hidden));
    actions.moved();
  }, "Change");
  toggle.setAttribute("aria-expanded", "false");
  return [toggle, means];
}
