// What a host does with a live session besides deciding: its settings, its invites, its record.

import { words } from "./model.js";
import { element, nameNode } from "./parts.js";

const $ = (id) => document.getElementById(id);

/** The host's forms. The settings show what the session is, until somebody changes one of them and has not saved it yet. */
export class HostTools {
  constructor(api, { attempt, session, signal }) {
    Object.assign(this, { api, attempt, session });
    this.isChanged = false;
    const on = (id, type, work) => $(id).addEventListener(type, work, { signal });
    on("settings", "input", () => { this.isChanged = true; });
    on("settings", "submit", (event) => { event.preventDefault(); attempt(this.save()); });
    on("invite-form", "submit", (event) => { event.preventDefault(); attempt(this.invite()); });
    on("invites", "toggle", () => { if ($("invites").open) attempt(this.readInvites()); });
    on("tool-invite", "click", () => attempt(this.replaceInvite()));
  }

  render() {
    const { mode, viewerUpdates, approvalTimeoutSeconds } = this.session();
    if (this.isChanged) return;
    $("set-mode").value = mode;
    $("set-viewers").value = viewerUpdates ?? "all";
    $("set-timeout").value = approvalTimeoutSeconds ? approvalTimeoutSeconds / 60 : "";
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
    await this.api.call("PATCH", "", change);
    $("set-expiry").value = "";
    this.isChanged = false;
  }

  link(token) { return `${location.origin}${location.pathname}#invite=${token}`; }

  async invite() {
    const body = { role: $("invite-role").value };
    if ($("invite-label").value.trim()) body.label = $("invite-label").value.trim();
    if ($("invite-uses").value) body.maxUses = Number($("invite-uses").value);
    if ($("invite-minutes").value) body.expiresInMinutes = Number($("invite-minutes").value);
    const { inviteToken } = await this.api.post("/invites", body);
    $("tool-result").textContent = this.link(inviteToken);
    $("invite-form").reset();
    await this.readInvites();
  }

  async replaceInvite() {
    const { inviteToken } = await this.api.post("/invite");
    $("tool-result").textContent = this.link(inviteToken);
  }

  async readInvites() {
    const { invites } = await this.api.get("/invites");
    $("invite-list").replaceChildren(...invites.map((invite) => this.inviteNode(invite)));
  }

  inviteNode(invite) {
    const isOver = invite.revokedAt || (invite.expiresAt && new Date(invite.expiresAt) <= Date.now())
      || (invite.maxUses && invite.uses >= invite.maxUses);
    const facts = [words(invite.role), `${invite.uses}${invite.maxUses ? ` of ${invite.maxUses}` : ""} used`];
    if (invite.revokedAt) facts.push("revoked");
    else if (invite.expiresAt) facts.push(`${isOver ? "ended" : "until"} ${new Date(invite.expiresAt).toLocaleString([], { dateStyle: "short", timeStyle: "short" })}`);
    return element("li", { class: isOver ? "over" : false },
      element("span", { class: "name" }, invite.label ? nameNode(invite.label) : "An invite"), element("span", { class: "quiet" }, facts.join(" · ")),
      isOver ? null : element("button", {
        type: "button", class: "small danger",
        onclick: () => this.attempt(this.api.delete(`/invites/${invite.id}`).then(() => this.readInvites())),
      }, "Revoke"));
  }
}

/** Saves everything that has happened as a file, one event per line. */
export async function downloadRecord(api) {
  const bytes = await api.bytes("/export");
  const link = element("a", { href: URL.createObjectURL(bytes), download: `tandem-${api.sessionId}.ndjson` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
