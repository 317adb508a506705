// What a session looks like after its events: people, approvals, and the entries of the timeline. No DOM in here.

import { words } from "./parts.js";
import { numbersOf } from "./names.js";
import { Turn } from "./turns.js";

const MODES = {
  view_only: "everybody else only watches", comment_only: "others may comment", prompt_with_approval: "others may propose prompts",
  prompt_direct: "others may prompt the agent",
};

export class Model {
  constructor() {
    this.session = null;
    this.people = new Map();
    this.approvals = new Map();
    this.entries = [];
    this.agent = {};
    this.runningDispatch = null;
    this.turns = new Map();
    this.open = null;
    this.nextEntry = 1;
    this.isCut = false;
    this.isAgentAway = false;
    this.count = 0;
    this.peopleRev = 0;
    this.approvalsRev = 0;
    this.told = new Map();
  }

  /** What `GET /{id}` answered. */
  take(snapshot) {
    this.session = snapshot.session;
    this.agent = { ...snapshot.agent };
    for (const participant of snapshot.participants) this.people.set(participant.id, participant);
    this.peopleRev++;
    this.approvalsRev++;
    for (const approval of snapshot.approvals) {
      this.approvals.set(approval.id, approval);
      if (approval.dispatch?.state === "started") this.runningDispatch = approval.dispatch.id;
    }
  }

  name(id) {
    const person = this.people.get(id);
    return person ? person.displayName || person.userId : "somebody";
  }

  /** Somebody as a part of a sentence: their name, and which of those who are called so. */
  who(id) {
    if (this.numbersRev !== this.peopleRev) {
      this.numbers = numbersOf(this.people.values());
      this.numbersRev = this.peopleRev;
    }
    return { name: this.name(id), number: this.numbers.get(id) ?? 1 };
  }

  get host() { return [...this.people.values()].find((person) => person.role === "host" && !person.leftAt); }

  get present() { return [...this.people.values()].filter((person) => !person.leftAt); }

  get pending() {
    return [...this.approvals.values()].filter((a) => a.status === "pending").sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  /** What the agent gets next, in order. */
  get queued() {
    return [...this.approvals.values()].filter((a) => a.status === "approved" && a.dispatch?.state === "queued")
      .sort((a, b) => (a.resolvedAt ?? "").localeCompare(b.resolvedAt ?? ""));
  }

  /** The turn that runs, if this page has seen it begin. */
  get runningTurn() { return this.open?.isRunning ? this.open : null; }

  /** Takes one event in. */
  apply(event) {
    const { type, payload, timestamp } = event;
    this.count++;
    const note = (text, kind = "note") => this.add({ kind, parts: [text].flat(), at: timestamp });
    switch (type) {
      case "shared_session_created":
        this.session ??= payload.session;
        return note("The session began");
      case "session_updated": {
        const before = this.session;
        this.session = payload.session;
        return before?.mode === payload.session.mode ? null : note(`From now on ${MODES[payload.session.mode] ?? words(payload.session.mode)}`);
      }
      case "session_closed":
        if (this.session) this.session = { ...this.session, status: payload.status };
        if (this.open?.isRunning) Object.assign(this.open, { state: "cut", rev: this.open.rev + 1 });
        this.open = null;
        this.runningDispatch = null;
        return note(payload.status === "expired" ? "The session has expired" : "The host ended the session", "end");
      case "participant_joined":
        this.person(payload.participant);
        return note([this.who(payload.participant.id), " joined"]);
      case "participant_left":
        this.person(payload.participant);
        return note(payload.removedByParticipantId
          ? [this.who(payload.removedByParticipantId), " removed ", this.who(payload.participant.id)] : [this.who(payload.participant.id), " left"]);
      case "participant_updated": return this.changed(payload.participant, note);
      case "participant_online":
      case "participant_offline": {
        const person = this.people.get(payload.participantId);
        if (person) person.online = type === "participant_online";
        this.peopleRev++;
        return null;
      }
      case "message_created":
        if (payload.message.kind === "prompt") return null;
        return this.add({ kind: "comment", author: payload.message.participantId, name: payload.participant.displayName || payload.participant.userId,
          text: payload.message.text, at: payload.message.createdAt });
      case "prompt_pending_approval":
      case "prompt_approved":
      case "prompt_rejected":
      case "prompt_withdrawn":
      case "prompt_expired":
      case "permission_requested":
      case "permission_resolved":
      case "permission_withdrawn":
      case "question_requested":
      case "question_resolved":
      case "question_withdrawn": return this.approval(payload.approval, timestamp);
      case "prompt_vote": return this.vote(payload, note);
      case "prompt_dispatch_started": return this.begin(payload, timestamp);
      case "prompt_dispatch_completed": return this.end(payload, "completed", timestamp);
      case "prompt_dispatch_failed": return this.end(payload, "failed", timestamp);
      case "host_online":
        this.isAgentAway = false;
        return note("The agent is connected");
      case "host_offline":
        this.isAgentAway = true;
        return note(
        "The agent is not connected" + (payload.graceEndsAt ? "; prompts that wait fail unless it comes back" : ""));
      case "host_session_update": return this.update(payload.notification, timestamp);
      default: return null;
    }
  }

  /** What happens while a turn runs is a part of it; everything else stands by itself. */
  add(entry) {
    if (this.open?.isRunning && entry.kind !== "turn") return this.open.add(entry);
    if (this.open && !this.open.approvalId) this.open = null;
    entry.id = this.nextEntry++;
    entry.rev = 0;
    this.entries.push(entry);
    return entry;
  }

  person(participant) {
    this.told.set(participant.id, participant);
    const before = this.people.get(participant.id);
    this.people.set(participant.id, { ...participant, online: participant.leftAt ? false : before?.online ?? participant.online });
    this.peopleRev++;
  }

  /** What a host has changed about somebody, from where the others sit. */
  changed(participant, note) {
    // A snapshot is ahead of what is replayed, so only events tell what was before.
    const before = this.told.get(participant.id);
    this.person(participant);
    const who = this.who(participant.id);
    const host = this.host ? this.who(this.host.id) : "The host";
    if (participant.role === "host") return before?.role === "host" ? null : note([who, " is the host now"]);
    if (before?.role === "host") return null;
    if (before && before.role !== participant.role) {
      return note(participant.role === "viewer" ? [who, " only watches from now on"] : [host, " lets ", who, " take part"]);
    }
    return note(participant.canApprove ? [host, " lets ", who, " approve prompts"] : [who, " no longer approves prompts"]);
  }

  /** A replayed event may be older than the snapshot: an approval never goes back to pending. */
  approval(approval, at) {
    this.approvalsRev++;
    const before = this.approvals.get(approval.id);
    const isOlder = before && before.status !== "pending" && approval.status === "pending";
    this.approvals.set(approval.id, isOlder ? before : { ...approval, dispatch: newer(before?.dispatch, approval.dispatch) });
    const place = this.turns.get(approval.id);
    if (place) {
      if (place.item) place.turn.touch(place.item);
      else place.turn.rev++;
      return place.turn;
    }
    if (approval.kind === "permission" || approval.kind === "question") {
      const turn = this.open ?? this.loose(at);
      this.turns.set(approval.id, { turn, item: turn.add({ kind: approval.kind, approvalId: approval.id, at }) });
      return turn;
    }
    return this.place(new Turn(this.nextEntry++, approval.id, at));
  }

  /** Somebody agrees to a prompt that others have to agree to as well. */
  vote({ approvalId, participant, votes, needed, editedPrompt, content }, note) {
    this.approvalsRev++;
    const approval = this.approvals.get(approvalId);
    if (approval?.status === "pending") {
      this.approvals.set(approvalId, { ...approval, votes, ...(editedPrompt === undefined ? {} : { editedPrompt }), ...(content ? { content } : {}) });
    }
    return note([this.who(participant.id), `${editedPrompt === undefined ? " agrees to a prompt" : " proposes another text"}: ${votes} of ${needed}`]);
  }

  place(turn) {
    this.entries.push(turn);
    if (turn.approvalId) this.turns.set(turn.approvalId, { turn });
    return turn;
  }

  /** What the agent does that no prompt of this session has asked for. */
  loose(at) {
    this.open = this.place(new Turn(this.nextEntry++, null, at));
    return this.open;
  }

  /** A turn stands where it began, however long its prompt had waited. */
  begin({ approvalId, dispatchId }, at) {
    this.runningDispatch = dispatchId;
    const turn = this.turns.get(approvalId)?.turn ?? this.place(new Turn(this.nextEntry++, approvalId, at));
    if (this.entries.at(-1) !== turn) {
      const from = this.entries.lastIndexOf(turn);
      if (from >= 0) this.entries.splice(from, 1);
      this.entries.push(turn);
    }
    Object.assign(turn, { state: "started", startedAt: turn.startedAt ?? at, dispatchId });
    turn.rev++;
    this.open = turn;
    this.setDispatch(approvalId, { id: dispatchId, state: "started" });
  }

  end({ approvalId, dispatchId, stopReason, error, interruptedByParticipantId }, state, at) {
    if (this.runningDispatch === dispatchId) this.runningDispatch = null;
    this.setDispatch(approvalId, { id: dispatchId, state, stopReason }, state === "failed" ? { status: "failed", errorMessage: error } : {});
    const turn = this.turns.get(approvalId)?.turn;
    if (!turn) return this.add({ kind: state === "failed" ? "failure" : "note", parts: [state === "failed" ? `A prompt failed: ${error}` : "The agent has finished"], at });
    Object.assign(turn, { state, endedAt: at, stopReason: stopReason ?? null, error: error ?? null, interrupter: interruptedByParticipantId ?? null });
    for (const { step, group } of turn.steps.values()) {
      if (["completed", "failed"].includes(step.call.status)) continue;
      step.isOver = true;
      step.rev++;
      group.rev++;
    }
    turn.rev++;
    if (this.open === turn) this.open = null;
    return turn;
  }

  setDispatch(approvalId, dispatch, more = {}) {
    this.approvalsRev++;
    const approval = this.approvals.get(approvalId);
    if (approval) this.approvals.set(approvalId, { ...approval, ...more, dispatch: newer(approval.dispatch, { ...approval.dispatch, ...dispatch }) });
  }

  /** One ACP notification. Unknown kinds are left out, not an error. */
  update(notification, at) {
    if (notification?.method === "_tandem/agent") {
      this.introduce(notification.params ?? {});
      return null;
    }
    const update = notification?.params?.update;
    if (notification?.method !== "session/update" || !update) return null;
    const turn = () => this.open ?? this.loose(at);
    switch (update.sessionUpdate) {
      case "agent_message_chunk": return turn().chunk("message", update, at);
      case "agent_thought_chunk": return turn().chunk("thought", update, at);
      case "tool_call":
      case "tool_call_update": return turn().step(update, at);
      case "plan": {
        const open = turn();
        open.plan = update.entries ?? [];
        open.rev++;
        this.agent.plan = open.plan;
        return open;
      }
      case "current_mode_update":
        this.agent.mode = update.currentModeId;
        return this.add({ kind: "note", parts: [`The agent's mode is now ${update.currentModeId}`], at });
      case "available_commands_update": this.agent.commands = update.availableCommands; return null;
      case "config_option_update": this.agent.options = update.configOptions; return null;
      case "session_info_update":
        if (update.title !== undefined) this.agent.title = update.title;
        return null;
      case "usage_update":
        this.agent.usage = { used: update.used, size: update.size, cost: update.cost };
        if (this.open) this.open.usage = this.agent.usage;
        return null;
      default: return null;
    }
  }

  /** An agent that was started again; what belonged to its conversation stays only where that goes on. */
  introduce({ name, version, capabilities, modes, configOptions, continued }) {
    const { commands, usage, title, plan } = continued ? this.agent : {};
    this.agent = {
      name, version, capabilities, mode: modes?.currentModeId, modes: modes?.availableModes, options: configOptions,
      commands, usage, title, plan,
    };
  }

  /** The step of the running turn that a request of the agent is about, as far as it has been shown. */
  stepOf(toolCallId) {
    return this.open?.steps.get(toolCallId)?.step.call ?? null;
  }
}

const ORDER = ["queued", "started", "completed", "failed"];

/** A replayed event may be older than the snapshot: a dispatch goes forward only. */
function newer(before, after) {
  if (!before || !after) return after ?? before;
  return ORDER.indexOf(after.state) >= ORDER.indexOf(before.state) ? { ...before, ...after } : before;
}
