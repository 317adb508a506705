// The page: who the visitor is, what they see, what they may do.

import { actionsFor } from "./actions.js";
import { Api, EventReader } from "./api.js";
import { downloadRecord, HostTools } from "./manage.js";
import { Model, words } from "./model.js";
import { entryNode, pendingNode, personNode, queuedNode } from "./view.js";

const $ = (id) => document.getElementById(id);
const show = (id, isShown = true) => { $(id).hidden = !isShown; };

const sessionId = location.pathname.match(/^\/s\/([^/]+)$/)?.[1];
const fragment = new URLSearchParams(location.hash.slice(1));
const storageKey = `tandem:${sessionId}`;

if (!sessionId) startPage();
else enter();

function startPage() {
  show("start");
  $("start-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const link = URL.parse ? URL.parse($("start-link").value) : new URL($("start-link").value);
    if (link && /^\/s\/[^/]+$/.test(link.pathname)) {
      location.href = link.pathname + link.hash;
    } else {
      problem("start-error", "That is not an invite link: it looks like …/s/SESSION#invite=TOKEN.");
    }
  });
}

/** Credentials stay in this tab; a token behind `#` leaves the address as soon as it was read. */
async function enter() {
  const host = fragment.get("host");
  let credentials = JSON.parse(sessionStorage.getItem(storageKey) ?? "null");
  if (host?.includes(".")) {
    const dot = host.lastIndexOf(".");
    credentials = { id: host.slice(0, dot), token: host.slice(dot + 1) };
  }
  if (credentials) return open(credentials);
  const invite = fragment.get("invite");
  if (!invite) return sorry("An invite is missing", "The link to this session is not complete. Ask the host for the whole invite link.");
  show("join");
  $("join-name").value = localStorage.getItem("tandem:name") ?? "";
  $("join-name").focus();
  $("join-form").addEventListener("submit", (event) => {
    event.preventDefault();
    join(invite);
  });
}

async function join(invite) {
  const name = $("join-name").value.trim();
  // The same person on this device is the same user when they come back.
  const user = localStorage.getItem("tandem:user") ?? crypto.randomUUID?.() ?? `web-${Math.random().toString(36).slice(2)}`;
  try {
    const body = { inviteToken: invite, userId: user, displayName: name, role: $("join-viewer").checked ? "viewer" : "collaborator" };
    const { participant } = await new Api(sessionId).post("/join", body);
    localStorage.setItem("tandem:user", user);
    localStorage.setItem("tandem:name", name);
    show("join", false);
    open({ id: participant.id, token: participant.accessToken });
  } catch (error) {
    problem("join-error", error.message);
  }
}

async function open(credentials) {
  const api = new Api(sessionId, credentials);
  const model = new Model();
  try {
    model.take(await api.get(""));
  } catch (error) {
    sessionStorage.removeItem(storageKey);
    return sorry("This session cannot be opened", error.message);
  }
  sessionStorage.setItem(storageKey, JSON.stringify(credentials));
  history.replaceState(null, "", location.pathname);
  show("session");
  show("facts");
  show("connection");
  new Page(api, model, credentials.id).run();
}

function sorry(title, text) {
  for (const id of ["start", "join", "session"]) show(id, false);
  $("message-title").textContent = title;
  $("message-text").textContent = text;
  show("message");
}

function problem(id, text) {
  $(id).textContent = text ?? "";
  show(id, Boolean(text));
}

function confirm(text) {
  $("confirm-text").textContent = text;
  $("confirm").showModal();
  return new Promise((resolve) => $("confirm").addEventListener("close", () => resolve($("confirm").returnValue === "yes"), { once: true }));
}

class Page {
  constructor(api, model, id) {
    this.api = api;
    this.model = model;
    this.id = id;
    this.nodes = new Map();
    this.dirty = new Set();
    this.isScheduled = false;
    const attempt = (work) => work.then(() => problem("notice", null), (error) => problem("notice", error.message));
    this.attempt = attempt;
    this.actions = actionsFor(api, model, attempt, confirm);
    this.hostTools = new HostTools(api, { attempt, session: () => model.session });
    this.unfolded = new Set();
  }

  get me() { return this.model.people.get(this.id) ?? { id: this.id, role: "viewer" }; }
  get context() { return { model: this.model, me: this.me, actions: this.actions, unfolded: this.unfolded }; }

  run() {
    this.reader = new EventReader(this.api, {
      onEvent: (event) => this.take(event),
      onState: (state) => {
        $("connection").textContent = state === "live" ? "Live" : state === "connecting" ? "Connecting…" : "Reconnecting…";
        $("connection").className = `state ${state}`;
      },
      onGone: (error) => this.end(error),
    });
    this.listen();
    this.renderSide();
    setInterval(() => this.renderFacts(), 15_000);
    this.reader.start();
  }

  listen() {
    const text = $("composer-text");
    $("composer").addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    $("composer").addEventListener("change", () => this.renderComposer());
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); this.send(); }
    });
    $("turn-cancel").addEventListener("click", () => this.attempt(this.api.post("/cancel")));
    $("leave").addEventListener("click", () => this.leave());
    $("record").addEventListener("click", () => this.attempt(downloadRecord(this.api)));
    $("tool-close").addEventListener("click", async () => {
      if (await confirm("End the session for everybody?")) this.attempt(this.api.delete(""));
    });
    $("jump").addEventListener("click", () => this.scroll());
    $("timeline").addEventListener("scroll", () => show("jump", !this.isAtEnd()));
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
    await this.api.post("/leave").catch(() => {});
    this.end(null);
  }

  end(error) {
    this.reader.stop();
    sessionStorage.removeItem(storageKey);
    if (error?.code === "SESSION_INACTIVE" || this.model.session?.status !== "active") return this.renderEnded();
    sorry(error ? "You are no longer in this session" : "You have left the session", error?.message ?? "Open the invite link to come back.");
  }

  async take(event) {
    if (event.type === "connected") return;
    if (event.type === "stream_reset") {
      this.model.take(await this.api.get("").catch((error) => { this.end(error); throw error; }));
    } else {
      for (const entry of this.model.apply(event)) this.dirty.add(entry);
    }
    if (event.type === "session_closed") this.renderEnded();
    if (!this.isScheduled) {
      this.isScheduled = true;
      requestAnimationFrame(() => this.render());
    }
  }

  render() {
    this.isScheduled = false;
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
    const means = `${this.me.role} ${this.me.canApprove ?? false}`;
    if (this.means !== means) $("pending").replaceChildren();
    this.means = means;
    this.keep("pending", pending, (approval) => pendingNode(approval, this.context));
    show("pending-none", pending.length === 0);
    $("pending-count").textContent = pending.length;
    const people = [...this.model.people.values()].filter((person) => !person.leftAt);
    $("people").replaceChildren(...people.map((person) => personNode(person, this.context)));
    $("people-count").textContent = people.length;
    const queued = this.model.queued;
    show("queue-section", queued.length > 0);
    $("queue-count").textContent = queued.length;
    $("queue").replaceChildren(...queued.map((approval) => queuedNode(approval, this.context)));
    const isHost = this.me.role === "host";
    show("host-tools", isHost);
    if (isHost) this.hostTools.render();
    show("turn", Boolean(this.model.runningDispatch));
    show("turn-cancel", isHost);
    document.title = pending.length && (isHost || this.me.canApprove) ? `(${pending.length}) Tandem` : "Tandem";
    this.renderFacts();
    this.renderComposer();
  }

  /** Keeps the nodes that are there already: somebody may be typing a reason into one of them. */
  keep(id, items, make) {
    const there = new Map([...$(id).children].map((node) => [node.dataset.id, node]));
    $(id).replaceChildren(...items.map((item) => there.get(item.id) ?? make(item)));
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
    this.reader.stop();
    $("composer").hidden = true;
    $("connection").textContent = "Ended";
    $("connection").className = "state ended";
    show("turn", false);
  }
}
