// A turn as one card: its prompt, who let it run, what was done, what was answered, how it ended.

import { callOf } from "./decisions.js";
import { GrowingText } from "./growing.js";
import { KeptList, redraw } from "./lists.js";
import { MarkdownView } from "./markdown.js";
import { badge, button, count, duration, element, exactText, hiddenNote, isLong, nameNode, objects, paragraph, sentence, time, words } from "./parts.js";
import { StepsView, sumNodes, ThoughtView } from "./steps.js";
import { revealed, revealedLine } from "./text.js";
import { askNode, pictureNode } from "./toolcalls.js";
import { sumOf } from "./turns.js";

const views = new WeakMap();

/** The card of a turn, drawn from its item number `from`. */
export class TurnView {
  constructor(turn, context) {
    Object.assign(this, { turn, context, from: 0 });
    this.header = element("header", {});
    this.plan = element("div", { class: "plan-place" });
    this.earlier = button("quiet-button small earlier", () => context.showEarlier());
    this.items = element("div", { class: "items" });
    this.footer = element("footer", { class: "turn-foot" });
    this.list = new KeptList(this.items, (item) => itemNode(item, context), () => "", (node, item) => views.get(node)?.update(item));
    this.node = element("li", { class: "entry turn" }, this.header, this.plan, this.earlier, this.items, this.footer);
  }

  update(turn, from) {
    const approval = turn.approvalId ? this.context.model.approvals.get(turn.approvalId) : null;
    if (this.rev === turn.rev && this.from === from && this.approval === approval) return;
    Object.assign(this, { turn, from, rev: turn.rev, approval });
    const [name, word] = stateOf(turn, approval);
    this.node.className = `entry turn ${name}${turn.items.length ? "" : " bare"}`;
    redraw(this.header, JSON.stringify([name, approval?.id, approval?.prompt, approval?.editedPrompt, approval?.reason, approval?.resolvedByParticipantId, approval?.participantId]),
      () => approval ? headNodes(approval, name, word, this.context.model) : [element("p", { class: "head", role: "heading", "aria-level": 2 }, element("strong", {}, "The agent"), " ", time(turn.at))]);
    redraw(this.plan, JSON.stringify(turn.plan), () => objects(turn.plan).length ? planNode(turn.plan) : null);
    this.earlier.hidden = from === 0;
    if (from) this.earlier.textContent = `Show what came before in this turn (${count(from, "part")})`;
    this.list.render(turn.items.slice(from));
    const sum = turn.endedAt ? sumOf(turn.allSteps) : null;
    redraw(this.footer, JSON.stringify([sum, turn.endedAt, turn.stopReason, turn.error, turn.usage, turn.interrupter, approval?.errorMessage]),
      () => turn.endedAt || turn.error ? footNodes(turn, approval, sum, this.context.model) : null);
  }
}

/** How a turn stands, as a class and in words. */
export function stateOf(turn, approval) {
  if (!approval) return ["loose", ""];
  if (approval.status === "failed" || turn.state === "failed") return ["failed", "Failed"];
  switch (approval.status) {
    case "pending": return ["pending", "Waiting"];
    case "rejected": return ["rejected", "Rejected"];
    case "withdrawn": return ["withdrawn", "Taken back"];
    case "expired": return ["expired", "Ran out of time"];
    default: break;
  }
  if (turn.state === "started") return ["running", "Running"];
  if (turn.state === "cut") return ["stopped", "Still ran at the end"];
  if (turn.state === "completed") return turn.stopReason === "cancelled" ? ["stopped", "Stopped"] : ["done", "Done"];
  return ["queued", "Next for the agent"];
}

function headNodes(approval, name, word, model) {
  const facts = [];
  const resolver = approval.resolvedByParticipantId;
  if (resolver && resolver !== approval.participantId) {
    const did = approval.status === "rejected" ? "Rejected by " : approval.editedPrompt ? "Edited and approved by " : "Approved by ";
    facts.push([did, model.who(resolver)]);
  } else if (approval.editedPrompt) facts.push(["Edited"]);
  if (approval.reason) facts.push([`Reason: ${approval.reason}`]);
  const { name: author, number } = model.who(approval.participantId);
  return [
    element("p", { class: "head", role: "heading", "aria-level": 2 }, element("strong", {}, nameNode(author, number)), " ", { pending: "proposes", rejected: "proposed", withdrawn: "proposed", expired: "proposed" }[approval.status] ?? "asked the agent", " ",
      time(approval.createdAt), badge(word, name)),
    promptNode(approval.editedPrompt ?? approval.prompt),
    facts.length ? element("p", { class: "quiet facts-line" }, ...facts.flatMap((fact, at) => [at ? " · " : null, sentence(fact)])) : null,
    approval.editedPrompt ? element("details", { class: "original" }, element("summary", {}, "As it was proposed"), exactText(approval.prompt)) : null,
  ];
}

/** A prompt as it was written; a long one can be unfolded. */
function promptNode(text) {
  if (!isLong(text)) return element("div", { class: "asked" }, paragraph(text), hiddenNote(text));
  const body = element("div", { class: "asked long" }, paragraph(text), hiddenNote(text));
  const more = button("quiet-button small", () => { more.textContent = body.classList.toggle("long") ? "Show all of it" : "Show less"; }, "Show all of it");
  return element("div", {}, body, more);
}

function planNode(plan) {
  const steps = objects(plan);
  const done = steps.filter((step) => step.status === "completed").length;
  return element("details", { class: "plan", open: done < steps.length }, element("summary", {}, element("span", { class: "chevron", "aria-hidden": "true" }), `Plan, ${done} of ${steps.length} done`),
    element("ol", { class: "plan-steps" }, ...steps.map((step) => element("li", { class: String(step.status) },
      element("span", { class: "mark", role: "img", "aria-label": words(step.status) }), element("span", { dir: "auto" }, revealed(step.content))))));
}

const STOPS = {
  cancelled: "It was stopped", max_tokens: "It stopped because it had used up its tokens", max_turn_requests: "It stopped because it had made too many requests",
  refusal: "It refused to go on",
};

function footNodes(turn, approval, sum, model) {
  const facts = [];
  if (sum?.steps > 1) facts.push(element("span", {}, ...sumNodes(sum).filter(Boolean)));
  const seconds = (new Date(turn.endedAt) - new Date(turn.startedAt)) / 1000;
  if (seconds >= 1) facts.push(duration(seconds));
  if (turn.usage?.used) facts.push(`${Math.round(turn.usage.used / 1000).toLocaleString("en")}k of ${Math.round((turn.usage.size ?? 0) / 1000).toLocaleString("en")}k tokens`);
  const failure = turn.error ?? approval?.errorMessage;
  const stop = turn.stopReason && turn.stopReason !== "end_turn" ? STOPS[turn.stopReason] ?? `It ended: ${words(turn.stopReason)}` : null;
  return [
    failure ? element("p", { class: "failure" }, "It failed: ", revealed(failure)) : null,
    turn.interrupter ? element("p", { class: "stop" }, sentence(["It was stopped for another prompt by ", model.who(turn.interrupter)]))
      : stop ? element("p", { class: "stop" }, revealed(stop)) : null,
    facts.length ? element("p", { class: "quiet" }, ...facts.flatMap((fact, at) => [at ? " · " : null, fact]).filter(Boolean)) : null,
  ];
}

/** One part of a turn. */
function itemNode(item, context) {
  const view = viewOf(item, context);
  views.set(view.node, view);
  return view.node;
}

function viewOf(item, context) {
  switch (item.kind) {
    case "message": return new MessageView();
    case "thought": return new ThoughtView();
    case "steps": return new StepsView(item);
    case "permission": return new PermissionView(context);
    case "question": return new QuestionView(context);
    case "image": return { node: element("div", {}, pictureNode(item) ?? element("p", { class: "quiet" }, "A picture that cannot be shown here")), update() {} };
    case "comment": return { node: commentNode(item, context, "div"), update() {} };
    default: return { node: element("p", { class: `note ${item.kind}` }, sentence(item.parts), " ", time(item.at)), update() {} };
  }
}

const MOST_OF_MARKDOWN = 200_000;

class MessageView {
  constructor() {
    this.view = new MarkdownView();
    this.node = this.view.node;
  }

  update(item) {
    if (this.rev === item.rev) return;
    this.rev = item.rev;
    // Beyond any answer a person would read it is kept as text.
    if (item.text.length > MOST_OF_MARKDOWN && !(this.view instanceof GrowingText)) {
      const plain = new GrowingText();
      this.node.replaceChildren(plain.node);
      this.view = plain;
    }
    this.view.update(item.text);
  }
}

/** A request of the agent where it stood in the turn, and what became of it. */
class PermissionView {
  constructor(context) {
    this.context = context;
    this.node = element("div", { class: "permission" });
  }

  update(item) {
    const { model } = this.context;
    const approval = model.approvals.get(item.approvalId);
    const [name, word] = { pending: ["pending", "Waiting"], approved: ["done", "Allowed"], rejected: ["rejected", "Refused"] }[approval.status] ?? ["withdrawn", "Withdrawn"];
    redraw(this.node, JSON.stringify([approval.status, approval.optionId, approval.reason, approval.resolvedByParticipantId]), () => {
      const call = callOf(approval, model);
      return [element("p", { class: "head" }, "The agent asked", " ", time(item.at), badge(word, name)), askNode(call), answerNode(approval, model)];
    });
  }
}

/** What the agent wanted to know where it stood in the turn, and what it was told. */
class QuestionView {
  constructor(context) {
    this.context = context;
    this.node = element("div", { class: "permission question" });
  }

  update(item) {
    const { model } = this.context;
    const approval = model.approvals.get(item.approvalId);
    const [name, word] = { pending: ["pending", "Waiting"], approved: ["done", "Answered"], rejected: ["rejected", "Declined"] }[approval.status] ?? ["withdrawn", "Withdrawn"];
    redraw(this.node, JSON.stringify([approval.status, approval.answer, approval.reason, approval.resolvedByParticipantId]), () => {
      const told = Object.entries(approval.answer ?? {}).map(([field, value]) => `${field}: ${Array.isArray(value) ? value.join(", ") : value}`).join("; ");
      const by = approval.resolvedByParticipantId ? element("p", { class: "quiet" }, sentence([model.who(approval.resolvedByParticipantId), told ? `: ${told}` : ""])) : null;
      return [element("p", { class: "head" }, "The agent asked", " ", time(item.at), badge(word, name)), paragraph(approval.prompt), by, answerNode(approval, model)];
    });
  }
}

/** What was answered and by whom, or why nothing was. */
function answerNode(approval, model) {
  const lines = [];
  if (approval.optionId !== undefined) {
    const option = objects(approval.options).find((found) => found.optionId === approval.optionId);
    lines.push([model.who(approval.resolvedByParticipantId), ": ", { name: option?.name ?? approval.optionId }]);
  }
  if (approval.reason) lines.push([approval.status === "withdrawn" ? `Withdrawn: ${words(approval.reason)}` : `Reason: ${approval.reason}`]);
  return lines.length ? element("p", { class: "quiet" }, ...lines.flatMap((line, at) => [at ? " · " : null, sentence(line)]).filter(Boolean)) : null;
}

export function commentNode(item, { model, me }, tag = "li") {
  const { number } = model.who(item.author);
  const isMine = item.author === me.id;
  return element(tag, { class: `entry comment${isMine ? " mine" : ""}` }, element("p", { class: "head" }, element("strong", {}, isMine ? "You" : nameNode(item.name, number)), " ", time(item.at)),
    paragraph(item.text));
}

export function noteNode(entry) {
  return element("li", { class: `entry note ${entry.kind}` }, sentence(entry.parts), " ", time(entry.at));
}

/** A name on one line, for headers. */
export function lineNode(text) { return revealedLine(text); }
