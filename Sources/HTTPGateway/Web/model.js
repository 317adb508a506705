// What a session looks like after its events: people, approvals, and the entries of the timeline. No DOM in here.

export class Model {
  constructor() {
    this.session = null;
    this.people = new Map();
    this.approvals = new Map();
    this.entries = [];
    this.runningDispatch = null;
    this.tools = new Map();
    this.nextEntry = 1;
  }

  /** What `GET /{id}` answered. An entry is text (`parts`: strings, and names as `{name}`) or something to be shown in a way of its own. */
  take(snapshot) {
    this.session = snapshot.session;
    for (const participant of snapshot.participants) this.people.set(participant.id, participant);
    for (const approval of snapshot.approvals) {
      this.approvals.set(approval.id, approval);
      if (approval.dispatch?.state === "started") this.runningDispatch = approval.dispatch.id;
    }
  }

  name(id) {
    const person = this.people.get(id);
    return person ? person.displayName || person.userId : "somebody";
  }

  get pending() {
    return [...this.approvals.values()].filter((a) => a.status === "pending")
      .sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  /** Somebody's name as a part of a sentence. */
  who(id) {
    return { name: this.name(id) };
  }

  /** What the agent gets next, in order. */
  get queued() {
    return [...this.approvals.values()].filter((a) => a.status === "approved" && a.dispatch?.state === "queued")
      .sort((a, b) => (a.resolvedAt ?? "").localeCompare(b.resolvedAt ?? ""));
  }

  /** Takes one event in. Returns the entries that are new or have changed. */
  apply(event) {
    const { type, payload, timestamp } = event;
    const note = (text, kind = "note") => [this.add({ kind, parts: [text].flat(), at: timestamp })];
    switch (type) {
      case "shared_session_created":
        this.session ??= payload.session;
        return note("The session began");
      case "session_updated": {
        const before = this.session;
        this.session = payload.session;
        return before?.mode === payload.session.mode ? [] : note(`The mode is now “${words(payload.session.mode)}”`);
      }
      case "session_closed":
        if (this.session) this.session = { ...this.session, status: payload.status };
        return note(payload.status === "expired" ? "The session has expired" : "The session was closed", "end");
      case "participant_joined":
        this.person(payload.participant);
        return note([this.who(payload.participant.id), " joined"]);
      case "participant_left":
        this.person(payload.participant);
        return note([this.who(payload.participant.id), payload.removedByParticipantId ? " was removed" : " left"]);
      case "participant_updated":
        this.person(payload.participant);
        return note([this.who(payload.participant.id), ` is now a ${payload.participant.role}${payload.participant.canApprove ? " who may decide" : ""}`]);
      case "participant_online":
      case "participant_offline": {
        const person = this.people.get(payload.participantId);
        if (person) person.online = type === "participant_online";
        return [];
      }
      case "message_created":
        if (payload.message.kind === "prompt") return [];
        return [this.add({ kind: "comment", author: payload.message.participantId, name: payload.participant.displayName || payload.participant.userId, text: payload.message.text, at: payload.message.createdAt })];
      case "prompt_pending_approval":
      case "prompt_approved":
      case "prompt_rejected":
      case "prompt_withdrawn":
      case "prompt_expired":
      case "permission_requested":
      case "permission_resolved":
      case "permission_withdrawn":
        return [this.approval(payload.approval, timestamp)];
      case "prompt_dispatch_started":
        this.runningDispatch = payload.dispatchId;
        this.tools.clear();
        return this.dispatch(payload, "started", timestamp);
      case "prompt_dispatch_completed":
        this.endTurn(payload.dispatchId);
        return this.dispatch(payload, "completed", timestamp);
      case "prompt_dispatch_failed":
        this.endTurn(payload.dispatchId);
        return this.dispatch(payload, "failed", timestamp);
      case "host_online": return note("The host's agent is connected");
      case "host_offline": return note(
        "The host's agent is not connected" + (payload.graceEndsAt ? "; prompts that wait fail unless it comes back" : ""));
      case "host_session_update": return this.update(payload.notification, timestamp);
      default: return [];
    }
  }

  add(entry) {
    entry.id = this.nextEntry++;
    this.entries.push(entry);
    return entry;
  }

  person(participant) {
    const before = this.people.get(participant.id);
    this.people.set(participant.id, { ...participant, online: participant.leftAt ? false : before?.online ?? participant.online });
  }

  endTurn(dispatchId) {
    if (this.runningDispatch === dispatchId) this.runningDispatch = null;
  }

  /** A replayed event may be older than the snapshot: an approval never goes back to pending. */
  approval(approval, at) {
    const before = this.approvals.get(approval.id);
    const current = before && before.status !== "pending" && approval.status === "pending" ? before : { ...approval, dispatch: approval.dispatch ?? before?.dispatch };
    this.approvals.set(approval.id, current);
    const entry = this.entries.find((e) => e.kind === "approval" && e.approvalId === approval.id);
    return entry ?? this.add({ kind: "approval", approvalId: approval.id, at });
  }

  dispatch(payload, state, at) {
    const approval = this.approvals.get(payload.approvalId);
    if (approval) {
      approval.dispatch = { ...approval.dispatch, id: payload.dispatchId, state, stopReason: payload.stopReason };
      if (state === "failed") Object.assign(approval, { status: "failed", errorMessage: payload.error });
    }
    const entry = this.entries.find((e) => e.kind === "approval" && e.approvalId === payload.approvalId);
    if (state === "started") return entry ? [entry] : [];
    const reason = payload.stopReason && payload.stopReason !== "end_turn" ? ` (${words(payload.stopReason)})` : "";
    const text = state === "completed" ? `The agent has finished${reason}` : `The prompt failed: ${payload.error}`;
    const note = this.add({ kind: state === "failed" ? "failure" : "note", parts: [text], at });
    return entry ? [entry, note] : [note];
  }

  /** One ACP notification. Unknown kinds are left out, not an error. */
  update(notification, at) {
    const update = notification?.params?.update;
    if (notification?.method !== "session/update" || !update) return [];
    switch (update.sessionUpdate) {
      case "agent_message_chunk": return this.chunk("agent", update, at);
      case "agent_thought_chunk": return this.chunk("thought", update, at);
      case "tool_call":
      case "tool_call_update": return [this.tool(update, at)];
      case "plan": return [this.plan(update.entries ?? [], at)];
      case "current_mode_update": return [this.add({ kind: "note", parts: [`The agent's mode is now ${update.currentModeId}`], at })];
      default: return [];
    }
  }

  /** Chunks of one message follow each other; a message id, where there is one, tells two messages apart. */
  chunk(kind, update, at) {
    const last = this.entries.at(-1);
    const text = contentText(update.content);
    if (last?.kind === kind && last.messageId === update.messageId) {
      last.text += text;
      return [last];
    }
    return [this.add({ kind, text, messageId: update.messageId, at })];
  }

  tool(update, at) {
    let entry = this.tools.get(update.toolCallId);
    if (!entry) {
      entry = this.add({ kind: "tool", tool: {}, at });
      this.tools.set(update.toolCallId, entry);
    }
    for (const key of ["title", "kind", "status", "content", "locations", "_meta"]) {
      if (update[key] !== undefined && update[key] !== null) entry.tool[key] = update[key];
    }
    return entry;
  }

  /** A plan replaces the one before it, as long as nothing but the same turn lies between. */
  plan(entries, at) {
    const plan = this.entries.findLast((e) => e.kind === "plan" && e.turn === this.runningDispatch);
    if (!plan) return this.add({ kind: "plan", plan: entries, turn: this.runningDispatch, at });
    plan.plan = entries;
    return plan;
  }
}

/** A content block of the protocol as text. */
export function contentText(content) {
  switch (content?.type) {
    case "text": return content.text ?? "";
    case "resource_link": return `[${content.title ?? content.name ?? content.uri}]`;
    case "resource": return content.resource?.text ?? `[${content.resource?.uri ?? "resource"}]`;
    case "image": return "[image]";
    case "audio": return "[audio]";
    default: return "";
  }
}

/** An identifier as words. */
export function words(identifier) {
  return String(identifier).replaceAll("_", " ");
}
