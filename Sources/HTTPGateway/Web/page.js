// The session on the page: what happens in it, and what the visitor may do.

import { actionsFor } from "./actions.js";
import { EventReader } from "./api.js";
import { forgetVisitor, onDropped } from "./credentials.js";
import { meaningOf, pendingNode } from "./decisions.js";
import { confirm } from "./dialog.js";
import { isOfTheSession } from "./errors.js";
import { KeptList } from "./lists.js";
import { downloadRecord, HostTools } from "./manage.js";
import { words } from "./model.js";
import { personNode, queuedNode } from "./people.js";
import { Steady } from "./steady.js";
import { revealed } from "./text.js";
import { entryNode } from "./view.js";

const $ = (id) => document.getElementById(id);
const show = (id, isShown = true) => { $(id).hidden = !isShown; };

function problem(id, text) {
  $(id).replaceChildren(revealed(text ?? ""));
  show(id, Boolean(text));
}

/**
 * One visit, from the first event to its end: `left` is called when the visitor is gone from here by their own will,
 * `refused` when the server no longer lets them follow. Everything it has hung into the page goes with it.
 */
export class Page {
  constructor(api, model, id, { left, refused }) {
    Object.assign(this, { api, model, id, left, refused });
    this.nodes = new Map();
    this.dirty = new Set();
    this.isScheduled = false;
    this.over = new AbortController();
    const { signal } = this.over;
    this.attempt = (work) => work.then(() => { problem("notice", null); return true; }, (error) => { problem("notice", error.message); return false; });
    this.actions = actionsFor(api, model, this.attempt, confirm);
    this.hostTools = new HostTools(api, { attempt: this.attempt, session: () => model.session, signal });
    const rights = (item) => `${this.me.id} ${this.me.role} ${this.me.canApprove ?? false} ${JSON.stringify(item)}`;
    this.lists = {
      pending: new KeptList($("pending"), (approval) => pendingNode(approval, this.context), (approval) => meaningOf(approval, this.me)),
      people: new KeptList($("people"), (person) => personNode(person, this.context), rights),
      queue: new KeptList($("queue"), (approval) => queuedNode(approval, this.context), rights),
    };
    this.steady = new Steady(document.querySelector(".side"), signal);
    $("timeline").replaceChildren();
  }

  get me() { return this.model.people.get(this.id) ?? { id: this.id, role: "viewer" }; }
  get context() { return { model: this.model, me: this.me, actions: this.actions }; }

  run() {
    this.reader = new EventReader(this.api, {
      onEvent: (event) => this.take(event),
      onState: (state, error) => {
        $("connection").textContent = state === "live" ? "Live" : state === "connecting" ? "Connecting…" : "Reconnecting…";
        $("connection").className = `state ${state}`;
        if (state !== "connecting") problem("trouble", error && `${error.message} Trying again.`);
      },
      onGone: (error) => this.end(error),
    });
    this.listen();
    this.renderSide();
    const facts = setInterval(() => this.renderFacts(), 15_000);
    this.over.signal.addEventListener("abort", () => { clearInterval(facts); this.reader.stop(); });
    this.reader.start();
  }

  listen() {
    const { signal } = this.over;
    const on = (id, type, work) => $(id).addEventListener(type, work, { signal });
    on("composer", "submit", (event) => { event.preventDefault(); this.send(); });
    on("composer", "change", () => this.renderComposer());
    on("composer-text", "keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.send(); }
    });
    on("turn-cancel", "click", () => this.attempt(this.api.post("/cancel")));
    on("leave", "click", () => this.leave());
    on("forget", "click", () => this.forget());
    on("record", "click", () => this.attempt(downloadRecord(this.api)));
    on("tool-close", "click", async () => {
      if (await confirm("End the session for everybody?")) this.attempt(this.api.delete(""));
    });
    on("jump", "click", () => this.scroll());
    on("timeline", "scroll", () => show("jump", !this.isAtEnd()));
    onDropped(this.api.sessionId, signal, () => this.goodbye("You are gone from here",
      "You left this session, or had it forgotten, in another tab of this browser. Open the invite link to come back."));
  }

  async send() {
    const text = $("composer-text").value;
    if (!text.trim() || $("composer-send").disabled) return;
    $("composer-send").disabled = true;
    try {
      if (this.kind === "prompt") await this.api.post("/prompts", { prompt: text });
      else await this.api.post("/messages", { text });
      $("composer-text").value = "";
      problem("composer-error", null);
    } catch (error) {
      problem("composer-error", error.message);
    }
    this.renderComposer();
    $("composer-text").focus();
  }

  async leave() {
    const isHost = this.me.role === "host";
    if (!await confirm(isHost ? "You are the host: leaving ends the session for everybody. Leave?" : "Leave the session?")) return;
    if (!await this.attempt(this.api.post("/leave"))) return;
    if (isHost) this.renderEnded();
    else this.goodbye("You have left the session", "Open the invite link to come back.");
  }

  /** Takes the visitor's key and name out of this browser, and what they saw out of the page. They stay a participant. */
  async forget() {
    const way = this.me.role === "host"
      ? "You are the host: without the host link nobody can decide from this browser again, and the session goes on without you."
      : "To come back from here you need the invite link, and come as somebody new.";
    if (!await confirm("This removes your name and your key to this session from this browser; other sessions stay. "
      + `${way} You stay on the list of people until you leave. Forget?`)) return;
    forgetVisitor();
    this.goodbye("This browser has forgotten you",
      "You are still on the session's list of people, until the host removes you or the session ends. Open the invite link to join again.");
  }

  goodbye(title, text) {
    this.clear();
    this.left(title, text);
  }

  clear() {
    this.over.abort();
    for (const list of Object.values(this.lists)) list.render([]);
    $("timeline").replaceChildren();
    $("composer-text").value = "";
    $("tool-result").textContent = "";
    for (const id of ["notice", "trouble"]) problem(id, null);
  }

  /** What the server says when it lets the visitor follow no longer. */
  end(error) {
    if (this.over.signal.aborted) return;
    if (isOfTheSession(error) || this.model.session?.status !== "active") return this.renderEnded();
    this.clear();
    this.refused(error);
  }

  async reread() {
    try {
      this.model.take(await this.api.get(""));
    } catch (error) {
      this.end(error);
    }
  }

  async take(event) {
    if (event.type === "connected") return;
    if (event.type === "stream_reset") {
      await this.reread();
    } else {
      const wasViewer = this.me.role === "viewer";
      for (const entry of this.model.apply(event)) this.dirty.add(entry);
      // What a viewer was shown may lack what somebody who decides has to see.
      if (event.type === "participant_updated" && wasViewer && this.me.role !== "viewer") await this.reread();
    }
    if (event.type === "session_closed") this.renderEnded();
    if (!this.isScheduled && !this.over.signal.aborted) {
      this.isScheduled = true;
      requestAnimationFrame(() => this.render());
    }
  }

  render() {
    this.isScheduled = false;
    if (this.over.signal.aborted) return;
    const wasAtEnd = this.isAtEnd();
    for (const entry of this.dirty) {
      const node = entryNode(entry, this.context);
      const before = this.nodes.get(entry.id);
      if (before) {
        const open = before.querySelector("details")?.open;
        if (open !== undefined && node.querySelector("details")) node.querySelector("details").open ||= open;
        before.replaceWith(node);
      } else {
        $("timeline").append(node);
      }
      this.nodes.set(entry.id, node);
    }
    this.dirty.clear();
    this.renderSide();
    if (wasAtEnd) this.scroll();
  }

  isAtEnd() {
    const timeline = $("timeline");
    return timeline.scrollHeight - timeline.scrollTop - timeline.clientHeight < 80;
  }

  scroll() { $("timeline").scrollTop = $("timeline").scrollHeight; }

  renderSide() {
    const pending = this.model.pending;
    this.lists.pending.render(pending);
    show("pending-none", pending.length === 0);
    $("pending-count").textContent = pending.length;
    const people = [...this.model.people.values()].filter((person) => !person.leftAt);
    this.lists.people.render(people);
    $("people-count").textContent = people.length;
    const queued = this.model.queued;
    show("queue-section", queued.length > 0);
    $("queue-count").textContent = queued.length;
    this.lists.queue.render(queued);
    const isHost = this.me.role === "host";
    show("host-tools", isHost);
    if (isHost) this.hostTools.render();
    show("turn", Boolean(this.model.runningDispatch));
    show("turn-cancel", isHost);
    document.title = pending.length && (isHost || this.me.canApprove) ? `(${pending.length}) Tandem` : "Tandem";
    this.renderFacts();
    this.renderComposer();
    this.steady.look();
  }

  renderFacts() {
    const { mode, expiresAt } = this.model.session;
    $("fact-mode").textContent = words(mode);
    $("fact-role").textContent = this.me.role;
    const left = expiresAt ? Math.max(0, Math.round((new Date(expiresAt) - Date.now()) / 60_000)) : null;
    show("fact-expiry", left !== null);
    if (left !== null) $("fact-expiry").textContent = left > 90 ? `ends in ${Math.round(left / 60)} h` : `ends in ${left} min`;
  }

  get kind() { return new FormData($("composer")).get("kind"); }

  renderComposer() {
    const { mode, status } = this.model.session;
    const { role } = this.me;
    const isActive = status === "active" && !this.me.leftAt;
    const mayComment = isActive && (role === "host" || (role === "collaborator" && mode !== "view_only"));
    const mayPrompt = isActive && (role === "host" || (role === "collaborator" && mode.startsWith("prompt_")));
    const isPrompt = this.kind === "prompt";
    const may = isPrompt ? mayPrompt : mayComment;
    const needsApproval = role !== "host" && mode === "prompt_with_approval";
    $("composer").hidden = !mayComment && !mayPrompt;
    $("composer-send").disabled = !may;
    $("composer-send").textContent = !isPrompt ? "Send" : needsApproval ? "Propose" : "Run";
    $("composer-text").placeholder = isPrompt ? "What should the agent do?" : "Say something to everybody";
    $("composer-hint").textContent = !may
      ? `This session's mode does not let you ${isPrompt ? "prompt" : "comment"}.`
      : isPrompt && needsApproval ? "The host sees this text and decides." : "Ctrl+Enter sends";
  }

  renderEnded() {
    problem("trouble", null);
    this.reader.stop();
    $("composer").hidden = true;
    $("connection").textContent = "Ended";
    $("connection").className = "state ended";
    show("turn", false);
  }
}
