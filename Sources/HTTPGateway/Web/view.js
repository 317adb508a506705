// Entries of the timeline as elements.

import { words } from "./model.js";
import { badge, element, exactText, head, paragraph, sentence, time } from "./parts.js";
import { revealed } from "./text.js";
import { objects, toolCallNode, toolNode } from "./toolcalls.js";

/** An entry of the timeline. */
export function entryNode(entry, context) {
  const { model, me } = context;
  switch (entry.kind) {
    case "comment":
      return element("li", { class: `entry comment${entry.author === me.id ? " mine" : ""}` },
        head({ name: entry.name }, entry.at), paragraph(entry.text));
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
        head([{ name: model.name(approval.participantId) }, " asked the agent"], entry.at, badge(statusOf(approval))),
        exactText(approval.editedPrompt ?? approval.prompt), details(approval, model));
    }
    default:
      return element("li", { class: `entry ${entry.kind}` }, sentence(entry.parts), " ", time(entry.at));
  }
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
    lines.push([approval.status === "rejected" ? "Rejected by " : "Approved by ", { name: model.name(approval.resolvedByParticipantId) }]);
  }
  if (approval.editedPrompt) lines.push("Edited by the host");
  if (approval.reason) lines.push(`Reason: ${approval.reason}`);
  if (approval.errorMessage) lines.push(approval.errorMessage);
  return factsNode(lines);
}

/** Facts about an entry, below it. */
function factsNode(facts) {
  return facts.length ? element("p", { class: "quiet" }, sentence(facts.flatMap((fact, at) => at ? [" · ", fact].flat() : fact))) : null;
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
  return element("ol", { class: "steps" }, ...objects(plan).map((step) =>
    element("li", { class: step.status }, element("span", { class: "mark", "aria-label": words(step.status) }), revealed(step.content))));
}

/** What was answered and by whom, or why nothing was. */
function answer(approval, model) {
  const lines = [];
  if (approval.optionId !== undefined) {
    const option = objects(approval.options).find((o) => o.optionId === approval.optionId);
    lines.push([{ name: model.name(approval.resolvedByParticipantId) }, ": ", { name: option?.name ?? approval.optionId }]);
  }
  if (approval.reason) lines.push(approval.status === "withdrawn" ? `Withdrawn: ${words(approval.reason)}` : `Reason: ${approval.reason}`);
  return factsNode(lines);
}
