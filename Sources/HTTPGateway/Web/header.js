// The facts about a session in few words: its title, what others may do, what the agent is set to and has used, what it does now.

import { duration, objects, words } from "./parts.js";
import { revealedLine } from "./text.js";

const $ = (id) => document.getElementById(id);
const show = (id, isShown) => { if ($(id).hidden === isShown) $(id).hidden = !isShown; };
const set = (id, text) => { if ($(id).textContent !== text) $(id).textContent = text; };
const MODES = { view_only: "view only", comment_only: "comment only", prompt_with_approval: "prompts need approval", prompt_direct: "prompts run directly" };
let title = null;

export function renderHeader(model, me, isEnded) {
  const { mode = "view_only", expiresAt } = model.session ?? {};
  const now = String(model.agent.title ?? "").slice(0, 200);
  show("session-title", Boolean(now));
  if (title !== now || !$("session-title").firstChild) $("session-title").replaceChildren(revealedLine(now));
  title = now;
  set("fact-mode", MODES[mode] ?? words(mode));
  set("fact-role", me.role);
  const left = expiresAt && !isEnded ? Math.max(0, Math.round((new Date(expiresAt) - Date.now()) / 60_000)) : null;
  show("fact-expiry", left !== null);
  if (left !== null) set("fact-expiry", left > 90 ? `ends in ${Math.round(left / 60)} h` : `ends in ${left} min`);
  const agentMode = modeName(model.agent);
  show("fact-agent", Boolean(agentMode));
  if ($("fact-agent").dataset.mode !== agentMode) $("fact-agent").replaceChildren("agent: ", revealedLine(agentMode.slice(0, 40)));
  $("fact-agent").dataset.mode = agentMode;
  const usage = usageText(model.agent.usage);
  show("fact-usage", Boolean(usage));
  set("fact-usage", usage);
}

/** The agent's mode by the name it gives it. */
function modeName({ mode, modes }) {
  if (!mode) return "";
  const list = objects(modes?.availableModes ?? modes);
  return String(list.find(({ id }) => id === mode)?.name ?? mode);
}

/** How much of what it can hold the agent has used. */
export function usageText(usage) {
  if (!Number.isFinite(usage?.used) || !(usage.size > 0)) return "";
  return `${Math.round(100 * usage.used / usage.size)} % of its memory used`;
}

/** What the agent does now, and for how long it has. */
export function renderTurn(model, me, isEnded) {
  const isRunning = Boolean(model.runningDispatch) && !isEnded;
  const isAway = model.isAgentAway && !isEnded;
  show("turn", isRunning || isAway);
  show("turn-spinner", isRunning && !isAway);
  show("turn-cancel", me.role === "host" && isRunning);
  if (isAway) return set("turn-text", "The agent is not connected. What is approved waits for it to come back.");
  if (!isRunning) return;
  const begun = model.runningTurn?.startedAt;
  const asks = model.pending.some((approval) => approval.kind === "permission");
  const seconds = begun ? (Date.now() - new Date(begun)) / 1000 : 0;
  set("turn-text", `${asks ? "The agent waits for an answer" : "The agent is working"}${seconds >= 10 ? `, ${duration(seconds)}` : ""}`);
}
