// What a host does with a live session besides deciding: its settings, its invites, its record.

import { keep, read } from "./credentials.js";
import { KeptList } from "./lists.js";
import { button, element, nameNode, words } from "./parts.js";
import { linkNode } from "./share.js";

const $ = (id) => document.getElementById(id);

/** The host's forms. The settings show what the session is, until somebody changes one of them and has not saved it yet. */
export class HostTools {
  constructor(api, { attempt, session, signal }) {
    Object.assign(this, { api, attempt, session });
    this.isChanged = false;
    const on = (id, type, work) => $(id).addEventListener(type, work, { signal });
    on("settings", "input", () => { this.isChanged = true; this.saved("Not saved yet"); });
    on("settings", "submit", (event) => { event.preventDefault(); this.saved("Saving…"); attempt(this.save()).then((isDone) => this.saved(isDone ? "Saved" : "Not saved")); });
    on("invite-form", "submit", (event) => { event.preventDefault(); attempt(this.invite()); });
    on("invites", "toggle", () => { if ($("invites").open) attempt(this.readInvites()); });
    on("tool-invite", "click", () => attempt(this.replaceInvite()));
    this.list = new KeptList($("invite-list"), (invite) => this.inviteNode(invite), (invite) => JSON.stringify(invite));
    this.general = read(api.sessionId)?.invite ?? null;
    this.drawGeneral();
  }

  saved(text) { $("settings-state").textContent = text; }

  render() {
    const { mode, viewerUpdates, approvalTimeoutSeconds, approvalsNeeded } = this.session();
    if (this.isChanged) return;
    set("set-mode", mode);
    set("set-viewers", viewerUpdates ?? "all");
    set("set-timeout", approvalTimeoutSeconds ? String(approvalTimeoutSeconds / 60) : "");
    set("set-needed", String(approvalsNeeded ?? 1));
  }

  /** Sends what differs from the session as it is. */
  async save() {
    const now = this.session();
    const change = {};
    if ($("set-mode").value !== now.mode) change.mode = $("set-mode").value;
    if ($("set-viewers").value !== (now.viewerUpdates ?? "all")) change.viewerUpdates = $("set-viewers").value;
    if ($("set-expiry").value !== "") change.expiresInMinutes = Number($("set-expiry").value);
    const timeout = Math.round(Number($("set-timeout").value) * 60);
    if (timeout !== (now.approvalTimeoutSeconds ?? 0)) change.approvalTimeoutSeconds = timeout;
    const needed = Number($("set-needed").value || 1);
    if (needed !== (now.approvalsNeeded ?? 1)) change.approvalsNeeded = needed;
    await this.api.call("PATCH", "", change);
    $("set-expiry").value = "";
    this.isChanged = false;
  }

  link(token) { return `${location.origin}${location.pathname}#invite=${token}`; }

  async invite() {
    const body = { role: $("invite-role").value };
    const label = $("invite-label").value.trim();
    if (label) body.label = label;
    if ($("invite-uses").value) body.maxUses = Number($("invite-uses").value);
    if ($("invite-minutes").value) body.expiresInMinutes = Number($("invite-minutes").value);
    const { inviteToken } = await this.api.post("/invites", body);
    $("tool-result").replaceChildren(element("p", {}, "The new invite", label ? ", for " : "", label ? nameNode(label) : "", ". It is shown only now:"),
      linkNode(this.link(inviteToken), "the new invite"));
    $("invite-form").reset();
    await this.readInvites();
  }

  async replaceInvite() {
    const { inviteToken } = await this.api.post("/invite");
    this.know(inviteToken);
  }

  /** The general invite's link is known only where it was made: this browser keeps it with the host's key. */
  know(token) {
    this.general = token;
    const kept = read(this.api.sessionId);
    if (kept) keep(this.api.sessionId, { id: kept.id, token: kept.token, invite: token });
    this.drawGeneral("The old link no longer works. This is the new one:");
  }

  drawGeneral(text = "Whoever has this link can join, until the session ends or you replace it.") {
    $("general-invite").replaceChildren(...(this.general
      ? [element("p", { class: "quiet" }, text), linkNode(this.link(this.general), "the general invite")]
      : [element("p", { class: "quiet" }, "It works until the session ends. This browser does not know its link; replace it to get a new one.")]));
  }

  async readInvites() {
    const { invites } = await this.api.get("/invites");
    this.list.render(invites);
    $("invites-none").hidden = invites.length > 0;
  }

  inviteNode(invite) {
    const isOver = invite.revokedAt || (invite.expiresAt && new Date(invite.expiresAt) <= Date.now())
      || (invite.maxUses && invite.uses >= invite.maxUses);
    const facts = [words(invite.role), `Uses: ${invite.uses}${invite.maxUses ? ` of ${invite.maxUses}` : ""}`];
    if (invite.revokedAt) facts.push("ended");
    else if (invite.expiresAt) facts.push(`${isOver ? "ended" : "until"} ${new Date(invite.expiresAt).toLocaleString([], { dateStyle: "short", timeStyle: "short" })}`);
    else if (isOver) facts.push("used up");
    return element("li", { class: isOver ? "over" : false },
      element("span", { class: "name" }, invite.label ? nameNode(invite.label) : "An invite"), element("span", { class: "quiet" }, facts.join(" · ")),
      isOver ? null : button("small danger", () => this.attempt(this.api.delete(`/invites/${invite.id}`).then(() => this.readInvites())), "End"));
  }
}

function set(id, value) {
  if ($(id).value !== value) $(id).value = value;
}

/** Saves everything that has happened as a file, one event per line. */
export async function downloadRecord(api) {
  const bytes = await api.bytes("/export");
  const link = element("a", { href: URL.createObjectURL(bytes), download: `tandem-${api.sessionId}.ndjson` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
