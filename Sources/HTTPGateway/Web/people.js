// People of the session, and what waits for the agent.

import { element, nameNode } from "./parts.js";
import { revealed } from "./text.js";

/** An approved prompt that waits for the agent; its author and whoever may decide can still take it out. */
export function queuedNode(approval, context) {
  const { model, me, actions } = context;
  const mayTakeOut = me.role === "host" || me.canApprove || approval.participantId === me.id;
  return element("li", { "data-id": approval.id }, element("span", { class: "title" }, revealed(approval.editedPrompt ?? approval.prompt)),
    element("span", { class: "quiet" }, nameNode(model.name(approval.participantId)), " "),
    mayTakeOut ? element("button", { type: "button", class: "small", "data-answer": true, onclick: () => actions.takeOut(approval.id) }, "Take out") : null);
}

export function personNode(person, context) {
  const { me, actions } = context;
  const isMe = person.id === me.id;
  const node = element("li", { "data-id": person.id },
    element("span", { class: `presence ${person.online ? "online" : ""}`, role: "img", "aria-label": person.online ? "online" : "away" }),
    element("span", { class: "name" }, nameNode(person.displayName || person.userId)), isMe ? element("span", { class: "quiet" }, "(you)") : null,
    element("span", { class: "quiet" }, person.canApprove ? `${person.role}, may approve` : person.role));
  if (me.role === "host" && !isMe && person.role !== "host") node.append(meansNode(person, actions));
  return node;
}

/** What the host can do about a person, folded away. */
function meansNode(person, actions) {
  const other = person.role === "viewer" ? "collaborator" : "viewer";
  const button = (name, text, onclick) => element("button", { type: "button", class: `small ${name}`, "data-answer": true, onclick }, text);
  return element("details", { class: "means" }, element("summary", { class: "quiet" }, "Change"),
    button("change-role", `Make ${other}`, () => actions.changeRole(person.id, other)),
    person.role === "collaborator"
      ? button("may-approve", person.canApprove ? "May not decide" : "May decide too", () => actions.letDecide(person.id, !person.canApprove)) : null,
    button("make-host", "Make host", () => actions.handOver(person)),
    button("danger", "Remove", () => actions.remove(person)));
}
