// What waits for a decision: one card, whoever asks. A card vouches for exactly what it showed when it was drawn; when that changes it is drawn anew.

import { badge, button, count, duration, element, exactText, hiddenNote, listed, nameNode, objects, plain, time, words } from "./parts.js";
import { pageNode, questionForm } from "./questions.js";
import { revealed, revealedLine, withoutHidden } from "./text.js";
import { askOf, cutFrom, toolCallNode } from "./toolcalls.js";

const meanings = new WeakMap();

/** All that a card shows and offers, as a text. */
export function meaningOf(approval, me, call = approval.toolCall) {
  const { kind, prompt, toolCall, options, participantId, content, control, delivery, question, editedPrompt } = approval;
  const isWhole = call === toolCall;
  if (!isWhole || !meanings.has(approval)) {
    const meaning = JSON.stringify([kind, prompt, call, options, participantId, content, control, delivery, question, editedPrompt]);
    if (!isWhole) return `${mayDecide(me)} ${me.id} ${meaning}`;
    meanings.set(approval, meaning);
  }
  return `${mayDecide(me)} ${me.id} ${meanings.get(approval)}`;
}

export function mayDecide(me) {
  return me.role === "host" || Boolean(me.canApprove);
}

/** The tool call as it was asked about; what the request leaves out is taken from the step that the agent has announced. */
export function callOf(approval, model) {
  const asked = approval.toolCall ?? {};
  const isBare = asked.title === undefined && asked.kind === undefined && asked.content === undefined && asked.rawInput === undefined;
  const seen = isBare ? model.stepOf?.(asked.toolCallId) : null;
  return seen ? { ...seen, ...asked } : asked;
}

/** For whoever may decide with the means to decide, for its author with the means to take it back. */
export function pendingNode(approval, context) {
  if (approval.kind === "question") return questionCard(approval, context);
  return approval.kind === "permission" ? permissionCard(approval, context) : promptCard(approval, context);
}

/** What of a card changes by itself: how long it has waited, and for whom. */
export function updatePending(node, approval, { model, me }) {
  const text = waitsText(approval, model, me);
  const place = node.querySelector(".waits");
  if (place.textContent !== text) place.replaceChildren(revealed(text));
}

function waitsText(approval, model, me) {
  const seconds = (Date.now() - new Date(approval.createdAt)) / 1000;
  const people = model.present ?? [];
  const deciders = people.filter(mayDecide).map((person) => plain(model.who(person.id)));
  const names = deciders.length > 3 ? [...deciders.slice(0, 2), `${deciders.length - 2} others`] : deciders;
  const whom = mayDecide(me) ? "you" : names.length > 1 ? `${names.slice(0, -1).join(", ")} or ${names.at(-1)}` : names[0] ?? "the host";
  const left = approval.expiresAt ? (new Date(approval.expiresAt) - Date.now()) / 1000 : null;
  const needed = model.session?.approvalsNeeded ?? 1;
  const isVoted = needed > 1 && approval.kind === "prompt";
  const votes = isVoted ? `; ${approval.votes ?? 0} of ${needed} agree` : "";
  return `Waits for ${whom}${seconds >= 60 ? `, ${duration(seconds)}` : ""}${left !== null ? `; ends in ${duration(left)}` : ""}${votes}`;
}

/** One sentence about it, for titles and for what is spoken. */
export function pendingSentence(approval, model) {
  const who = plain(model.who(approval.participantId));
  if (approval.kind === "question") return `The agent asks for ${who}: ${shortened(approval.prompt)}`;
  if (approval.kind !== "permission") return `${who} proposes: ${shortened(approval.prompt)}`;
  const { verb, target, command } = askOf(callOf(approval, model));
  return `The agent asks for ${who}: ${shortened([verb, target ?? command].filter(Boolean).join(" "))}`;
}

function shortened(text) {
  const line = String(text).replaceAll(/\s+/g, " ").trim();
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}

function card(approval, context, name, who, body, actions) {
  const label = withoutHidden(pendingSentence(approval, context.model));
  const node = element("article", { class: `card pending ${name}`, "data-id": approval.id, tabindex: -1, "aria-label": label },
    element("header", { class: "head" }, who, element("span", { class: "facts" }, time(approval.createdAt), element("span", { class: "waits quiet" }))),
    element("div", { class: "body" }, ...body), actions.length ? element("div", { class: "actions" }, ...actions) : null);
  updatePending(node, approval, context);
  return node;
}

/** A person with their role: who is called like the host is not taken for the host. */
function whoNode(id, model, before = null, after = null) {
  const { name, number } = model.who(id);
  const role = model.people?.get(id)?.role;
  return element("span", { class: "asks" }, before, element("strong", {}, nameNode(name, number)), role ? badge(role, `role ${role}`) : null, after);
}

function reasonField() {
  return element("input", { class: "reason", placeholder: "Reason (optional)", "aria-label": "Reason", maxlength: 1000, autocomplete: "off" });
}

/** A button that decides something: it is pressed only once it has stood still (see `Steady`). */
function answerButton(name, what, onclick, ...children) {
  const node = button(name, onclick, ...children);
  node.setAttribute("data-answer", "");
  if (what) node.dataset.do = what;
  return node;
}

/** One answer at a time: the card rests until it is known what became of it. */
async function answering(node, work) {
  const hadFocus = node.contains(document.activeElement);
  // What rests cannot hold the focus: it waits where the next card will be.
  if (hadFocus) node.closest("[data-focus-home]")?.focus({ preventScroll: true });
  node.inert = true;
  if (await work) return;
  node.inert = false;
  if (hadFocus) node.focus({ preventScroll: true });
}

function promptCard(approval, context) {
  const { model, me, actions } = context;
  const { id, content } = approval;
  // What is voted on may be another text than was proposed at first.
  const prompt = approval.editedPrompt ?? approval.prompt;
  const shown = exactText(prompt);
  const stops = approval.delivery === "interrupt" ? element("p", { class: "warning-text" }, "It stops what runs then, and runs next.") : null;
  const body = element("div", {}, shown, attachmentsNode(content, (n, name) => actions.download(id, n, name)), stops);
  const who = whoNode(approval.participantId, model, null, approval.kind === "control" ? " wants to set" : " proposes");
  let node;
  if (!mayDecide(me)) {
    const takeBack = answerButton("", null, () => answering(node, actions.withdraw(id)), "Take back");
    node = card(approval, context, "", who, [body], approval.participantId === me.id ? [element("div", { class: "row" }, takeBack)] : []);
    return node;
  }
  const reason = reasonField();
  let text;
  const decide = (action) => answering(node, actions.resolve(id, prompt, action, reason.value.trim(), text?.value, approval.editedPrompt === undefined ? content : undefined));
  const isControl = approval.kind === "control";
  const approve = answerButton("primary", "approve", () => decide("approve"), isControl ? "Approve" : "Approve and run");
  const edit = button("edit", () => {
    text = editor(prompt);
    body.append(text.node);
    edit.remove();
    approve.textContent = "Approve as edited";
    text.field.focus();
  }, "Edit");
  edit.dataset.do = "edit";
  node = card(approval, context, "", who, [body],
    [reason, element("div", { class: "row" }, answerButton("", "reject", () => decide("reject"), "Reject"), isControl ? null : edit, approve)]);
  return node;
}

/** What comes with a prompt, by name, kind and size. */
function attachmentsNode(content, download) {
  const attached = objects(content).filter(({ type }) => type !== "text");
  if (!attached.length) return null;
  return element("ul", { class: "attachments" }, ...attached.map(({ type, name, uri, mimeType, size, index }) =>
    element("li", {}, element("bdi", {}, revealedLine(name ?? uri ?? words(type))), element("span", { class: "quiet" }, " ", revealedLine([mimeType, size ? count(size, "byte") : null].filter(Boolean).join(", "))),
      index === undefined ? null : button("quiet-button small", () => download(index, name ?? `attachment-${index}`), "Save"))));
}

/** A field for the text that is to run instead; what its letters hide is shown below it as it is typed. */
function editor(prompt) {
  const field = element("textarea", { rows: 4, dir: "ltr", "aria-label": "The prompt as the agent gets it" });
  const below = element("div", { "aria-live": "polite" });
  field.value = prompt;
  const look = () => below.replaceChildren(...(hiddenNote(field.value) ? [element("p", { class: "quiet" }, "The agent gets"), exactText(field.value)] : []));
  field.addEventListener("input", look);
  look();
  return { field, node: element("div", { class: "editor" }, field, below), get value() { return field.value; } };
}

/** What the agent asks: for those who may decide with one button for each of its options. */
function permissionCard(approval, context) {
  const { model, me, actions } = context;
  const call = callOf(approval, model);
  const who = whoNode(approval.participantId, model, element("span", {}, element("strong", {}, "The agent"), " asks, working for "));
  let node;
  const reason = reasonField();
  const cut = cutFrom(call);
  const send = (option) => answering(node, actions.answer(approval.id, option.optionId, reason.value.trim()));
  const options = objects(approval.options);
  const byKey = new Map([["approve", "allow_once"], ["reject", "reject_once"]].map(([what, kind]) => [options.find((option) => option.kind === kind), what]));
  const offer = () => element("ul", { class: "options" }, ...options.map((option) => {
    const name = option.kind === "allow_once" ? "primary" : "";
    return element("li", {}, answerButton(name, byKey.get(option) ?? null, () => cut.length ? unseen(option) : send(option), element("bdi", {}, revealedLine(option.name))),
      element("span", { class: `kind ${isRefusal(option) ? "refuses" : "allows"}` }, kindText(option)));
  }));
  /** The second step: whoever answers what they could not see says that they know it. */
  const unseen = (option) => {
    const back = () => step.replaceWith(offer());
    const step = element("div", { class: "unseen", role: "group", "aria-label": "Answer without having seen everything" },
      element("p", {}, "You have not seen ", revealedLine(listed(cut)), ". Answer “", element("bdi", {}, revealedLine(option.name)),
        "” (", kindText(option), ") all the same?"),
      element("div", { class: "row" }, button("back", back, "Back"),
        answerButton("danger unseen-yes", null, () => send(option), "Answer without having seen it")));
    node.querySelector(".options").replaceWith(step);
    step.querySelector(".back").focus();
  };
  node = card(approval, context, "permission", who, [toolCallNode(call)], mayDecide(me) ? [reason, offer()] : []);
  return node;
}

/** What the agent wants to know: a form, or a page to agree to. */
function questionCard(approval, context) {
  const { model, me, actions } = context;
  const who = whoNode(approval.participantId, model, element("span", {}, element("strong", {}, "The agent"), " asks, working for "));
  const { url } = approval.question ?? {};
  const form = url ? null : questionForm(approval);
  const body = element("div", {}, exactText(approval.prompt), url ? pageNode(approval.question) : mayDecide(me) ? form.node : null);
  if (!mayDecide(me)) return card(approval, context, "question", who, [body], []);
  let node;
  const reason = reasonField();
  const tell = (action) => answering(node, actions.tell(approval.id, action, reason.value.trim(), action === "approve" && form ? form.answer() : undefined));
  node = card(approval, context, "question", who, [body],
    [reason, element("div", { class: "row" }, answerButton("", "reject", () => tell("reject"), "Decline"),
      answerButton("primary", "approve", () => tell("approve"), url ? "I agree" : "Answer"))]);
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
