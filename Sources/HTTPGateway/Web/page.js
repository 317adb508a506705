// The session on the page: what happens in it, and what the visitor may do.

import { actionsFor } from "./actions.js";
import { clearSpoken } from "./announce.js";
import { Attention } from "./attention.js";
import { Composer, forgetDrafts } from "./composer.js";
import { Controls } from "./controls.js";
import { forgetVisitor, onDropped } from "./credentials.js";
import { meaningOf, callOf, mayDecide, pendingNode, pendingSentence, updatePending } from "./decisions.js";
import { confirm } from "./dialog.js";
import { isOfTheSession } from "./errors.js";
import { EventReader } from "./events.js";
import { renderHeader, renderTurn } from "./header.js";
import { Keys } from "./keys.js";
import { KeptList } from "./lists.js";
import { downloadRecord, HostTools } from "./manage.js";
import { News } from "./news.js";
import { Panels } from "./panels.js";
import { personNode, queuedNode, updatePerson } from "./people.js";
import { copied } from "./share.js";
import { Steady } from "./steady.js";
import { revealed, withoutHidden } from "./text.js";
import { Timeline } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const show = (id, isShown = true) => { if ($(id).hidden === isShown) $(id).hidden = !isShown; };
const set = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };

function problem(id, text) {
  $(id).replaceChildren(revealed(text ?? ""));
  show(id, Boolean(text));
}

/**
 * One visit, from the first event to its end: `left` is called when the visitor is gone from here by their own will,
 * `refused` when the server no longer lets them follow. Everything it has hung into the page goes with it.
 */
export class Page {
  constructor(api, model, id, { left, refused, until = null }) {
    Object.assign(this, { api, model, id, left, refused });
    this.isScheduled = this.isCaughtUp = this.isEnded = false;
    this.wasReadByViewer = this.me.role === "viewer";
    this.over = new AbortController();
    const { signal } = this.over;
    this.attempt = (work) => work.then(() => { problem("notice", null); return true; }, (error) => { problem("notice", error.message); return false; });
    this.panels = new Panels(signal, () => this.steady?.look());
    this.hostTools = new HostTools(api, { attempt: this.attempt, session: () => model.session, signal });
    this.actions = actionsFor(api, model, { attempt: this.attempt, confirm, onNewInvite: (token) => { this.hostTools.know(token); $("general").open = true; }, moved: () => this.steady.look() });
    const page = this;
    this.context = { model, actions: this.actions, get me() { return page.me; }, get isEnded() { return page.isEnded; } };
    this.lists = {
      pending: new KeptList($("pending"), (approval) => pendingNode(approval, this.context), (approval) => meaningOf(approval, this.me, this.callOf(approval)),
        (node, approval) => updatePending(node, approval, this.context)),
      people: new KeptList($("people"), (person) => personNode(person, this.context), (person) => `${this.isEnded} ${this.me.id} ${this.me.role} ${person.role} ${person.canApprove ?? false}`,
        (node, person) => updatePerson(node, person, this.context)),
      queue: new KeptList($("queue"), (approval) => queuedNode(approval, this.context), (approval) => `${this.me.id} ${this.me.role} ${this.me.canApprove ?? false} ${approval.editedPrompt ?? approval.prompt}`),
    };
    this.steady = new Steady(document.querySelector(".side"), signal);
    this.timeline = new Timeline($("timeline"), $("jump"), this.context, signal);
    this.attention = new Attention(signal);
    this.news = new News(model, () => this.me);
    this.keys = new Keys(this, signal);
    this.composer = new Composer(api, { signal, rights: () => this.rights, commands: () => model.agent.commands, isBusy: () => Boolean(model.runningDispatch), onSent: () => this.schedule({ mine: true }), onLive: (flush) => { this.flush = flush; } });
    this.controls = new Controls({ agent: () => model.agent, rights: () => this.rights, send: (control) => this.attempt(api.post("/controls", control)) });
    this.reader = new EventReader(api, {
      until, onEvents: (events, isCaughtUp) => this.take(events, isCaughtUp), onState: (state, error) => this.connection(state, error), onGone: (error) => this.end(error),
    });
  }

  get me() { return this.model.people.get(this.id) ?? { id: this.id, role: "viewer" }; }

  callOf(approval) { return approval.kind === "permission" ? callOf(approval, this.model) : approval.toolCall; }

  get rights() {
    const { mode = "view_only", status } = this.model.session ?? {};
    const { role, leftAt } = this.me;
    const isActive = status === "active" && !leftAt && !this.isEnded;
    return {
      mayComment: isActive && (role === "host" || (role === "collaborator" && mode !== "view_only")),
      mayPrompt: isActive && (role === "host" || (role === "collaborator" && mode.startsWith("prompt_"))),
      needsApproval: role !== "host" && mode === "prompt_with_approval",
    };
  }

  run() {
    this.listen();
    clearSpoken();
    if (this.model.session) this.renderSide();
    const facts = setInterval(() => { this.renderFacts(); this.lists.pending.render(this.model.pending); this.renderTurn(); }, 10_000);
    this.over.signal.addEventListener("abort", () => { clearInterval(facts); this.reader.stop(); });
    this.reader.start();
  }

  listen() {
    const { signal } = this.over;
    const on = (id, type, work) => $(id).addEventListener(type, work, { signal });
    on("turn-cancel", "click", () => this.attempt(this.api.post("/cancel")));
    on("leave", "click", () => this.leave());
    on("forget", "click", () => this.forget());
    on("record", "click", () => this.attempt(downloadRecord(this.api)));
    on("ended-record", "click", () => this.attempt(downloadRecord(this.api)));
    on("tool-close", "click", async () => {
      if (await confirm("End the session for everybody?", { yes: "End it" })) this.attempt(this.api.delete(""));
    });
    on("timeline", "click", (event) => {
      const copy = event.target.closest("[data-copy]");
      if (copy) copied(copy, copy.closest("figure").querySelector("code").textContent);
    });
    addEventListener("online", () => this.reader.hurry(), { signal });
    onDropped(this.api.sessionId, signal, () => this.goodbye("You are gone from here",
      "You left this session, or had it forgotten, in another tab of this browser. Open the invite link to come back."));
  }

  connection(state, error) {
    if (this.isEnded) return;
    set("connection", state === "live" ? "Live" : state === "connecting" ? "Connecting…" : "Reconnecting…");
    $("connection").className = `state ${state}`;
    if (state !== "connecting") problem("trouble", error && `${error.message} Trying again.`);
    if (state === "live") this.flush?.();
  }

  async leave() {
    const isHost = this.me.role === "host";
    if (!await confirm(isHost ? "You are the host: leaving ends the session for everybody. Leave?" : "Leave the session?", { yes: "Leave" })) return;
    if (!await this.attempt(this.api.post("/leave"))) return;
    if (isHost) this.renderEnded();
    else this.goodbye("You have left the session", "You can join again as long as your invite works.", true);
  }

  /** Takes the visitor's key and name out of this browser, and what they saw out of the page. They stay a participant. */
  async forget() {
    const way = this.me.role === "host"
      ? "You are the host: without the host link nobody can decide from this browser again, and the session goes on without you."
      : "To come back from here you need the invite link, and come as somebody new.";
    if (!await confirm("This removes your name and your key to this session from this browser; other sessions stay. "
      + `${this.isEnded ? "" : `${way} `}You stay on the list of people until you leave. Forget?`, { yes: "Forget" })) return;
    forgetVisitor();
    this.goodbye("This browser has forgotten you",
      "You are still on the session's list of people, until the host removes you or the session ends. Open the invite link to join again.");
  }

  goodbye(title, text, mayRejoin = false) {
    this.clear();
    forgetDrafts(this.api.sessionId);
    this.left(title, text, mayRejoin);
  }

  clear() {
    this.over.abort();
    for (const list of Object.values(this.lists)) list.render([]);
    $("timeline").replaceChildren();
    $("composer-text").value = "";
    for (const id of ["tool-result", "general-invite"]) $(id).replaceChildren();
    for (const id of ["outbox", "jump", "turn", "ended"]) show(id, false);
    for (const id of ["notice", "trouble"]) problem(id, null);
    clearSpoken();
    this.panels.close();
  }

  /** What the server says when it lets the visitor follow no longer. */
  end(error) {
    if (this.over.signal.aborted) return;
    if (this.model.count && (isOfTheSession(error) || this.model.session?.status !== "active")) return this.renderEnded();
    this.clear();
    this.refused(error);
  }

  async reread() {
    try {
      this.model.take(await this.api.get(""));
      this.wasReadByViewer = this.me.role === "viewer";
    } catch (error) {
      this.end(error);
    }
  }

  async take(events, isCaughtUp) {
    for (const event of events) {
      if (event.type === "connected") continue;
      if (event.type === "stream_reset") {
        this.model.isCut = true;
        await this.reread();
        continue;
      }
      if (!this.model.count && event.type !== "shared_session_created") this.model.isCut = true;
      this.model.apply(event);
      if (this.isCaughtUp) this.news.heard(event);
      // What a viewer was shown may lack what somebody who decides has to see.
      const isAboutMe = event.type === "participant_updated" && event.payload.participant.id === this.id;
      if (isAboutMe && this.wasReadByViewer && this.me.role !== "viewer") await this.reread();
      if (event.type === "session_closed") {
        this.model.session ??= { status: event.payload.status, mode: "view_only" };
        this.isOver = true;
      }
      if (this.over.signal.aborted) return;
    }
    if (isCaughtUp || this.isOver) this.isCaughtUp = true;
    if (this.isCaughtUp) this.schedule();
    if (this.isOver) this.renderEnded();
  }

  schedule({ mine = false } = {}) {
    this.isMine ||= mine;
    if (this.isScheduled || this.over.signal.aborted) return;
    this.isScheduled = true;
    // A page that nobody sees gets no frames; it still has to count what waits.
    if (document.hidden) setTimeout(() => this.render(), 200);
    else requestAnimationFrame(() => this.render());
  }

  render() {
    this.isScheduled = false;
    if (this.over.signal.aborted || !this.model.session) return;
    const mine = this.isMine;
    this.isMine = false;
    this.timeline.render({ mine });
    this.renderSide();
  }

  renderSide() {
    const { model, me } = this;
    const isHost = me.role === "host";
    const pending = this.isEnded ? [] : model.pending;
    // Where nothing has changed there is nothing to look at: most frames bring words of the agent only.
    const [people, approvals] = [model.peopleRev, model.approvalsRev];
    const asks = pending.some((approval) => approval.kind === "permission") ? model.count : 0;
    const seen = `${this.isEnded} ${people} ${approvals} ${asks}`;
    if (this.seen !== seen) {
      this.lists.pending.render(pending);
      this.lists.people.render(model.present);
      this.lists.queue.render(this.isEnded ? [] : model.queued);
    }
    this.seen = seen;
    show("pending-none", pending.length === 0);
    set("pending-count", String(pending.length));
    set("people-count", String(model.present.length));
    set("people-button-count", String(model.present.length));
    show("queue-section", !this.isEnded && model.queued.length > 0);
    set("queue-count", String(model.queued.length));
    show("host-tools", isHost && !this.isEnded);
    if (isHost) this.hostTools.render();
    const mine = mayDecide(me) ? pending : [];
    for (const approval of mine) this.attention.tell(approval.id, withoutHidden(pendingSentence(approval, model)));
    if (this.isCaughtUp) this.news.decisions(pending);
    const title = withoutHidden(model.agent.title ?? "").slice(0, 80);
    this.attention.show(mine.length, title ? `${title} – Tandem` : "Tandem");
    this.panels.waiting(pending, pending[0] ? pendingSentence(pending[0], model) : "", mayDecide(me));
    this.renderTurn();
    this.renderFacts();
    this.composer.render();
    this.controls.render();
    const shape = `${pending.map((approval) => approval.id)} ${model.present.length} ${isHost} ${model.queued.length}`;
    if (this.shape !== shape) this.steady.look();
    this.shape = shape;
  }

  renderTurn() { renderTurn(this.model, this.me, this.isEnded); }

  renderFacts() { renderHeader(this.model, this.me, this.isEnded); }

  /** Everything stays readable, nothing can be done any more. */
  renderEnded() {
    if (this.over.signal.aborted) return;
    this.isEnded = true;
    problem("trouble", null);
    this.reader.stop();
    set("connection", "Ended");
    $("connection").className = "state ended";
    set("ended-text", this.model.session?.status === "expired" ? "This session is over: its time ran out." : "This session is over.");
    show("ended");
    show("leave", false);
    this.isCaughtUp = true;
    this.schedule();
  }

  // What keys do.

  openSheet() { this.panels.openSheet(); }
  openDrawer() { this.panels.openDrawer(); }
  closePanels() { this.panels.close(); }

  write() {
    this.panels.close();
    $("composer-text").focus();
  }

  async askToStop() {
    if ($("turn").hidden || $("turn-cancel").hidden) return;
    if (await confirm("Stop the agent?", { yes: "Stop" })) this.attempt(this.api.post("/cancel"));
  }
}
