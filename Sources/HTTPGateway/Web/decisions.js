// What waits for a decision. A card vouches for exactly what it showed when it was drawn; when that changes it is drawn anew.

import { words } from "./model.js";
import { element, exactText, head, hiddenNote } from "./parts.js";
import { revealed, revealedLine } from "./text.js";
import { cutFrom, listed, objects, toolCallNode } from "./toolcalls.js";

const meanings = new WeakMap();

/** All that a card shows and offers, as a text. */
export function meaningOf(approval, me) {
  const { kind, prompt, toolCall, options, participantId } = approval;
  if (!meanings.has(approval)) meanings.set(approval, JSON.stringify([kind, prompt, toolCall, options, participantId]));
  return `${mayDecide(me)} ${me.id} ${meanings.get(approval)}`;
}

function mayDecide(me) {
  return me.role === "host" || Boolean(me.canApprove);
}

/** For whoever may decide with the means to decide, for its author with the means to take it back. */
export function pendingNode(approval, context) {
  return approval.kind === "permission" ? permissionCard(approval, context) : promptCard(approval, context);
}

function card(approval, name, ...children) {
  return element("article", { class: `card pending ${name}`, "data-id": approval.id }, ...children);
}

function reasonField() {
  return element("input", { placeholder: "Reason (optional)", "aria-label": "Reason", maxlength: 1000 });
}

/** A button that decides something: it is pressed only once it has stood still (see `Steady`). */
function answerButton(name, onclick, ...children) {
  return element("button", { type: "button", class: name, "data-answer": true, onclick }, ...children);
}

/** One answer at a time: the card rests until it is known what became of it. */
async function answering(node, work) {
  node.inert = true;
  if (!await work) node.inert = false;
}

function promptCard(approval, context) {
  const { model, me, actions } = context;
  const { id, prompt } = approval;
  const shown = exactText(prompt);
  const node = card(approval, "", head({ name: model.name(approval.participantId) }, approval.createdAt), shown);
  if (!mayDecide(me)) {
    if (approval.participantId !== me.id) return node;
    node.append(element("div", { class: "row" }, answerButton("", () => answering(node, actions.withdraw(id)), "Take back")));
    return node;
  }
  const reason = reasonField();
  let text;
  const decide = (action) => answering(node, actions.resolve(id, prompt, action, reason.value.trim(), text?.value));
  const approve = answerButton("primary", () => decide("approve"), "Approve and run");
  const edit = element("button", {
    type: "button", class: "edit", onclick: () => {
      text = editor(prompt);
      shown.after(text.node);
      edit.remove();
      approve.textContent = "Approve as edited";
      text.field.focus();
    },
  }, "Edit");
  node.append(reason, element("div", { class: "row" }, answerButton("", () => decide("reject"), "Reject"), edit, approve));
  return node;
}

/** A field for the text that is to run instead; what its letters hide is shown below it as it is typed. */
function editor(prompt) {
  const field = element("textarea", { rows: 4, dir: "ltr", "aria-label": "The prompt as the agent gets it" });
  const below = element("div", { "aria-live": "polite" });
  field.value = prompt;
  const look = () => below.replaceChildren(...(hiddenNote(field.value) ? [element("p", { class: "quiet" }, "The agent gets"), exactText(field.value)] : []));
  field.addEventListener("input", look);
  look();
  return { field, node: element("div", {}, field, below), get value() { return field.value; } };
}

/** What the agent asks: for those who may decide with one button for each of its options. */
function permissionCard(approval, context) {
  const { model, me, actions } = context;
  const node = card(approval, "permission", head(["The agent asks, working for ", { name: model.name(approval.participantId) }], approval.createdAt),
    toolCallNode(approval));
  if (!mayDecide(me)) return node;
  const reason = reasonField();
  const cut = cutFrom(approval.toolCall);
  const send = (option) => answering(node, actions.answer(approval.id, option.optionId, reason.value.trim()));
  const offer = () => element("ul", { class: "options" }, ...objects(approval.options).map((option) => {
    const name = option.kind === "allow_once" ? "primary" : "";
    return element("li", {}, answerButton(name, () => cut.length ? unseen(option) : send(option), element("bdi", {}, revealedLine(option.name))),
      element("span", { class: `kind ${isRefusal(option) ? "refuses" : "allows"}` }, kindText(option)));
  }));
  /** The second step: whoever answers what they could not see says that they know it. */
  const unseen = (option) => {
    const back = () => step.replaceWith(offer());
    const step = element("div", { class: "unseen", role: "group", "aria-label": "Answer without having seen everything" },
      element("p", {}, "You have not seen ", revealedLine(listed(cut)), ". Answer “", element("bdi", {}, revealedLine(option.name)),
        "” (", kindText(option), ") all the same?"),
      element("div", { class: "row" }, element("button", { type: "button", class: "back", onclick: back }, "Back"),
        answerButton("danger unseen-yes", () => send(option), "Answer without having seen it")));
    node.querySelector(".options").replaceWith(step);
    step.querySelector(".back").focus();
  };
  node.append(reason, offer());
  return node;
}

function isRefusal(option) {
  return ["reject_once", "reject_always"].includes(option.kind);
}

const KINDS = {
  allow_once: "allows it this time", allow_always: "allows it from now on, without asking", reject_once: "refuses it this time",
  reject_always: "refuses it from now on, without asking",
};

/** What an option really does, whatever the agent has named it. */
function kindText(option) {
  return Object.hasOwn(KINDS, option.kind ?? "") ? KINDS[option.kind] : revealed(`counts as allowing it (${words(option.kind ?? "no kind")})`);
}
