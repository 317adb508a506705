// One turn of the agent: its prompt, and in order what was said, done, asked and commented until it ended. No DOM in here.

import { rowsOf } from "./diff.js";
import { objects } from "./parts.js";

const STEP_FIELDS = ["title", "kind", "status", "content", "locations", "rawInput", "rawOutput", "_meta"];

export class Turn {
  /** A turn of a prompt; or, without one, what the agent does that no prompt of this session asked for. */
  constructor(id, approvalId, at) {
    Object.assign(this, { id, kind: "turn", approvalId, at, items: [], steps: new Map(), plan: [], rev: 0, nextItem: 1 });
    Object.assign(this, { state: null, startedAt: null, endedAt: null, stopReason: null, error: null, interrupter: null, usage: null });
  }

  /** How much there is to draw. */
  get weight() { return 1 + this.items.length; }

  get isRunning() { return this.state === "started"; }

  add(item) {
    item.id = this.nextItem++;
    item.rev = 0;
    this.items.push(item);
    this.rev++;
    return item;
  }

  touch(item) {
    item.rev++;
    this.rev++;
  }

  /** Chunks of one message follow each other; a message id, where there is one, tells two messages apart. */
  chunk(kind, update, at) {
    const { content } = update;
    if (content?.type === "image" && typeof content.data === "string") return this.add({ kind: "image", mimeType: content.mimeType, data: content.data, at });
    const text = contentText(content);
    if (!text) return null;
    const last = this.items.at(-1);
    if (last?.kind === kind && last.messageId === update.messageId) {
      last.text += text;
      this.touch(last);
      return last;
    }
    return this.add({ kind, text, messageId: update.messageId, at });
  }

  /** A step of the agent, in the group of the steps that follow each other. */
  step(update, at) {
    const known = this.steps.get(update.toolCallId);
    const step = known?.step ?? { id: this.steps.size + 1, call: { toolCallId: update.toolCallId }, at, rev: 0 };
    for (const key of STEP_FIELDS) if (update[key] !== undefined && update[key] !== null) step.call[key] = update[key];
    if (["completed", "failed"].includes(step.call.status)) step.endedAt ??= at;
    step.rev++;
    if (known) {
      this.touch(known.group);
      return step;
    }
    let group = this.items.at(-1);
    if (group?.kind !== "steps") group = this.add({ kind: "steps", steps: [], at });
    group.steps.push(step);
    this.touch(group);
    this.steps.set(update.toolCallId, { step, group });
    return step;
  }

  /** The words that the agent ended with. */
  get answer() {
    return this.items.findLast((item) => item.kind === "message")?.text ?? "";
  }

  get allSteps() {
    return [...this.steps.values()].map(({ step }) => step);
  }
}

const sums = new WeakMap();

/** What one step has changed. */
export function changesOf(call) {
  const content = call.content;
  if (!content || typeof content !== "object") return { paths: [], added: 0, removed: 0 };
  if (!sums.has(content)) {
    const sum = { paths: [], added: 0, removed: 0 };
    for (const item of objects(content).filter(({ type }) => type === "diff")) {
      const { added, removed } = rowsOf(item);
      sum.paths.push(String(item.path));
      sum.added += added;
      sum.removed += removed;
    }
    sums.set(content, sum);
  }
  return sums.get(content);
}

/** Steps, files and lines of several steps together. */
export function sumOf(steps) {
  const paths = new Set();
  let [added, removed] = [0, 0];
  for (const { call } of steps) {
    if (call.status === "failed") continue;
    const changes = changesOf(call);
    for (const path of changes.paths) paths.add(path);
    added += changes.added;
    removed += changes.removed;
  }
  return { steps: steps.length, files: paths.size, added, removed };
}

/** A content block of the protocol as text. */
export function contentText(content) {
  switch (content?.type) {
    case "text": return String(content.text ?? "");
    case "resource_link": return `[${content.title ?? content.name ?? content.uri}]`;
    case "resource": return String(content.resource?.text ?? `[${content.resource?.uri ?? "resource"}]`);
    case "image": return "[image]";
    case "audio": return "[audio]";
    default: return "";
  }
}
