// Entries of the timeline, approvals and people as elements. Text only ever becomes text nodes, never markup.

import { contentText, words } from "./model.js";
import { difference, hiddenCount, revealed } from "./text.js";

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function time(at) {
  const date = new Date(at);
  return element("time", { datetime: at, title: date.toLocaleString() }, date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
}

/** An entry of the timeline. */
export function entryNode(entry, context) {
  const { model, me } = context;
  switch (entry.kind) {
    case "comment":
      return element("li", { class: `entry comment${entry.author === me.id ? " mine" : ""}` },
        head(entry.name, entry.at), paragraph(entry.text));
    case "agent":
      return element("li", { class: "entry agent" }, head("Agent", entry.at), markdown(entry.text));
    case "thought":
      return element("li", { class: "entry thought" },
        element("details", {}, element("summary", {}, "The agent's thoughts"), paragraph(entry.text)));
    case "plan": return element("li", { class: "entry plan" }, head("Plan", entry.at), planList(entry.plan));
    case "tool": return toolNode(entry);
    case "approval": {
      const approval = model.approvals.get(entry.approvalId);
      if (approval.kind === "permission") {
        return element("li", { class: `entry prompt permission ${approval.status}` },
          head("The agent asked for permission", entry.at, badge(approval.status)), toolCallNode(approval), answer(approval, model));
      }
      return element("li", { class: `entry prompt ${approval.status}` },
        head(`${model.name(approval.participantId)} asked the agent`, entry.at, badge(statusOf(approval))),
        exactText(approval.editedPrompt ?? approval.prompt), details(approval, model));
    }
    default:
      return element("li", { class: `entry ${entry.kind}` }, element("span", {}, entry.text), " ", time(entry.at));
  }
}

function head(name, at, ...more) {
  return element("p", { class: "head" }, element("strong", {}, name), " ", time(at), ...more);
}

function badge(text) {
  return element("span", { class: `badge ${text.replaceAll(" ", "-")}` }, text);
}

function statusOf(approval) {
  if (approval.status !== "approved") return approval.status;
  switch (approval.dispatch?.state) {
    case "started": return "running";
    case "completed": return "done";
    case "failed": return "failed";
    default: return "approved";
  }
}

function details(approval, model) {
  const lines = [];
  if (approval.resolvedByParticipantId && approval.resolvedByParticipantId !== approval.participantId) {
    lines.push(`${approval.status === "rejected" ? "Rejected" : "Approved"} by ${model.name(approval.resolvedByParticipantId)}`);
  }
  if (approval.editedPrompt) lines.push("Edited by the host");
  if (approval.reason) lines.push(`Reason: ${approval.reason}`);
  if (approval.errorMessage) lines.push(approval.errorMessage);
  return lines.length ? element("p", { class: "quiet" }, lines.join(" · ")) : null;
}

/** Text somebody has to judge: exactly as it is, left to right, with everything hidden in it shown. */
export function exactText(text) {
  const hidden = hiddenCount(text);
  return element("div", {},
    element("pre", { class: "exact", dir: "ltr" }, revealed(text)),
    hidden ? element("p", { class: "warning" }, `${hidden} invisible or direction-changing character${hidden > 1 ? "s" : ""} in this text, shown as numbers.`) : null);
}

function paragraph(text) {
  return element("p", { class: "text", dir: "auto" }, revealed(text));
}

/** Just enough of Markdown for an agent's answers: fenced code, and code within a line. */
function markdown(text) {
  const body = element("div", { class: "text" });
  for (const [index, part] of text.split(/^```[^\n]*\n?/m).entries()) {
    if (!part) continue;
    if (index % 2) {
      body.append(element("pre", {}, element("code", {}, revealed(part))));
    } else {
      const paragraph = element("p", { dir: "auto" });
      for (const [at, piece] of part.split(/`([^`\n]+)`/).entries()) {
        paragraph.append(at % 2 ? element("code", {}, revealed(piece)) : revealed(piece));
      }
      body.append(paragraph);
    }
  }
  return body;
}

function planList(plan) {
  return element("ol", { class: "steps" }, ...plan.map((step) =>
    element("li", { class: step.status }, element("span", { class: "mark", "aria-label": words(step.status) }), step.content)));
}

function toolNode({ tool, at }) {
  const status = tool.status ?? "pending";
  const contents = objects(tool.content).map(toolContent).filter(Boolean);
  const summary = element("summary", {}, element("span", { class: `mark ${status}`, "aria-label": words(status) }),
    element("span", { class: "title" }, revealed(tool.title ?? "Tool call")), element("span", { class: "quiet" }, words(tool.kind ?? "")), " ", time(at));
  const places = objects(tool.locations).map((place) => place.path + (place.line ? `:${place.line}` : ""));
  return element("li", { class: "entry tool" }, element("details", { open: contents.some((c) => c.className === "diff") },
    summary, places.length ? element("p", { class: "quiet path" }, places.join("\n")) : null, ...contents));
}

function toolContent(item) {
  if (item.type === "diff") {
    const table = element("div", { class: "diff" }, element("p", { class: "path" }, revealed(item.path)));
    for (const [sign, line] of difference(item.oldText ?? "", item.newText ?? "")) {
      table.append(element("div", { class: sign === "+" ? "added" : sign === "-" ? "removed" : "same" },
        element("span", { class: "sign", "aria-label": sign === "+" ? "added" : sign === "-" ? "removed" : undefined }, sign), revealed(line)));
    }
    return table;
  }
  if (item.type === "terminal") return element("p", { class: "quiet" }, "Output in the host's terminal");
  const text = contentText(item.content);
  return text ? element("pre", {}, revealed(text)) : null;
}

/** The tool call somebody has to judge: what it is, where, and with what, as far as the agent has said. */
function toolCallNode(approval) {
  const call = approval.toolCall ?? {};
  const places = objects(call.locations).map((place) => place.path + (place.line ? `:${place.line}` : ""));
  return element("div", { class: "tool-call" }, exactText(call.title ?? approval.prompt),
    call.kind ? element("p", { class: "quiet" }, revealed(words(call.kind))) : null,
    places.length ? element("p", { class: "quiet path" }, revealed(places.join("\n"))) : null,
    ...objects(call.content).map(toolContent).filter(Boolean), inputNode(call.rawInput));
}

/** The objects of a list that an agent has sent, if it is one. */
function objects(value) {
  return Array.isArray(value) ? value.filter((item) => item && typeof item === "object") : [];
}

/** What the tool is given: texts as they are, the rest as JSON. */
function inputNode(input) {
  if (input === undefined || input === null) return null;
  const shown = (value) => exactText(typeof value === "string" ? value : JSON.stringify(value, null, 2));
  if (typeof input !== "object" || Array.isArray(input)) return shown(input);
  return element("dl", { class: "input" }, ...Object.entries(input).flatMap(([name, value]) =>
    [element("dt", {}, revealed(name)), element("dd", {}, shown(value))]));
}

/** What was answered and by whom, or why nothing was. */
function answer(approval, model) {
  const lines = [];
  if (approval.optionId !== undefined) {
    const option = (approval.options ?? []).find((o) => o.optionId === approval.optionId);
    lines.push(`${model.name(approval.resolvedByParticipantId)}: ${option?.name ?? approval.optionId}`);
  }
  if (approval.reason) lines.push(approval.status === "withdrawn" ? `Withdrawn: ${words(approval.reason)}` : `Reason: ${approval.reason}`);
  return lines.length ? element("p", { class: "quiet" }, revealed(lines.join(" · "))) : null;
}

/** What the agent asks: for those who may decide with one button for each of its options. */
function permissionNode(approval, context) {
  const { model, me, actions } = context;
  const node = element("article", { class: "card pending permission", "data-id": approval.id },
    head(`The agent asks, working for ${model.name(approval.participantId)}`, approval.createdAt), toolCallNode(approval));
  if (me.role === "host" || me.canApprove) {
    const reason = element("input", { placeholder: "Reason (optional)", "aria-label": "Reason", maxlength: 1000 });
    node.append(reason, element("div", { class: "row options" }, ...(approval.options ?? []).map((option) =>
      element("button", {
        type: "button", class: option.kind === "allow_once" ? "primary" : false, title: words(option.kind),
        onclick: () => actions.answer(approval.id, option.optionId, reason.value.trim()),
      }, revealed(option.name)))));
  }
  return node;
}

/** What waits for a decision: for the host with the means to decide, for its author with the means to take it back. */
export function pendingNode(approval, context) {
  if (approval.kind === "permission") return permissionNode(approval, context);
  const { model, me, actions } = context;
  const mayDecide = me.role === "host" || me.canApprove;
  const shown = exactText(approval.prompt);
  const node = element("article", { class: "card pending", "data-id": approval.id },
    head(model.name(approval.participantId), approval.createdAt), shown);
  if (mayDecide) {
    const reason = element("input", { placeholder: "Reason (optional)", "aria-label": "Reason", maxlength: 1000 });
    let text;
    const approve = element("button", { type: "button", class: "primary", onclick: () => decide("approve") }, "Approve and run");
    const edit = element("button", {
      type: "button", class: "edit", onclick: () => {
        text = element("textarea", { rows: 4, dir: "ltr", "aria-label": "The prompt as the agent gets it" });
        text.value = approval.prompt;
        shown.after(text);
        edit.remove();
        approve.textContent = "Approve as edited";
        text.focus();
      },
    }, "Edit");
    const decide = (action) => actions.resolve(approval, action, reason.value.trim(), text?.value);
    node.append(reason, element("div", { class: "row" },
      element("button", { type: "button", onclick: () => decide("reject") }, "Reject"), edit, approve));
  } else if (approval.participantId === me.id) {
    node.append(element("div", { class: "row" },
      element("button", { type: "button", onclick: () => actions.withdraw(approval.id) }, "Take back")));
  }
  return node;
}

/** An approved prompt that waits for the agent; its author and whoever may decide can still take it out. */
export function queuedNode(approval, context) {
  const { model, me, actions } = context;
  const mayTakeOut = me.role === "host" || me.canApprove || approval.participantId === me.id;
  return element("li", {}, element("span", { class: "title" }, revealed(approval.editedPrompt ?? approval.prompt)),
    element("span", { class: "quiet" }, model.name(approval.participantId), " "),
    mayTakeOut ? element("button", { type: "button", class: "small", onclick: () => actions.takeOut(approval.id) }, "Take out") : null);
}

export function personNode(person, context) {
  const { me, actions } = context;
  const isMe = person.id === me.id;
  const node = element("li", {},
    element("span", { class: `presence ${person.online ? "online" : ""}`, role: "img", "aria-label": person.online ? "online" : "away" }),
    element("span", { class: "name" }, revealed(person.displayName || person.userId), isMe ? " (you)" : ""),
    element("span", { class: "quiet" }, person.canApprove ? `${person.role}, may approve` : person.role));
  if (me.role === "host" && !isMe && person.role !== "host") node.append(meansNode(person, context));
  return node;
}

/** What the host can do about a person, folded away. Lists are drawn anew, so who is unfolded is kept outside. */
function meansNode(person, { actions, unfolded }) {
  const other = person.role === "viewer" ? "collaborator" : "viewer";
  const button = (name, text, onclick) => element("button", { type: "button", class: `small ${name}`, onclick }, text);
  return element("details", {
    class: "means", open: unfolded.has(person.id),
    ontoggle: (event) => event.target.open ? unfolded.add(person.id) : unfolded.delete(person.id),
  }, element("summary", { class: "quiet" }, "Change"),
    button("change-role", `Make ${other}`, () => actions.changeRole(person.id, other)),
    person.role === "collaborator"
      ? button("may-approve", person.canApprove ? "May not decide" : "May decide too", () => actions.letDecide(person.id, !person.canApprove)) : null,
    button("make-host", "Make host", () => actions.handOver(person)),
    button("danger", "Remove", () => actions.remove(person)));
}
