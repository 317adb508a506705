// What a visitor can do to others' prompts, to people and to the queue; each answer comes back as an event of the stream.

import { canonical } from "./attach.js";
import { sha256 } from "./digest.js";
import { element, plain } from "./parts.js";

const GONE = {
  approved: "This is already approved.", rejected: "This is already rejected.", withdrawn: "This was taken back.", expired: "This ran out of time.",
  failed: "This has failed.",
};

/** Who was faster, and with what. */
function goneSentence(approval, model) {
  const did = { approved: "approved", rejected: "rejected" }[approval?.status];
  if (did && approval.resolvedByParticipantId) return `${plain(model.who(approval.resolvedByParticipantId))} has already ${did} this.`;
  return GONE[approval?.status] ?? "This is gone.";
}

/** The calls behind the buttons. `attempt` shows what went wrong and says whether it went well, `confirm` asks first. */
export function actionsFor(api, model, { attempt, confirm, onNewInvite, moved }) {
  const patch = (id, change) => attempt(api.call("PATCH", `/participants/${id}`, change));
  /** Sends nothing about what this page knows to be over. */
  const whileItWaits = async (id, work) => {
    const approval = model.approvals.get(id);
    if (approval?.status !== "pending") throw new Error(`${goneSentence(approval, model)} Your answer changed nothing.`);
    return work();
  };
  return {
    moved,
    resolve: (id, prompt, action, reason, edited, content) =>
      attempt(whileItWaits(id, async () => api.post(`/approvals/${id}`, await decision(prompt, action, reason, edited, content)))),
    /** Answers what the agent wants to know, or declines to. */
    tell: (id, action, reason, answer) => attempt(whileItWaits(id, () => api.post(`/approvals/${id}`, { action, ...(reason ? { reason } : {}), ...(answer ? { answer } : {}) }))),
    download: (id, n, name) => attempt(save(api, `/approvals/${id}/content/${n}`, name)),
    answer: (id, optionId, reason) =>
      attempt(whileItWaits(id, () => api.post(`/approvals/${id}`, reason ? { optionId, reason } : { optionId }))),
    withdraw: (id) => attempt(whileItWaits(id, () => api.post(`/approvals/${id}/withdraw`))),
    takeOut: (id) => attempt(api.delete(`/queue/${id}`)),
    changeRole: (id, role) => patch(id, { role }),
    letDecide: (id, canApprove) => patch(id, { canApprove }),
    handOver: async (person) => {
      const text = "? They decide from then on, also about you; prompts still run on this agent.";
      if (await confirm(["Make ", model.who(person.id), ` the host${text}`], { yes: "Make host" })) attempt(api.post("/host", { newHostParticipantId: person.id }));
    },
    /** Whoever is removed still holds the link they came by: it can be replaced in the same step. */
    remove: async (person) => {
      const replace = element("input", { type: "checkbox", id: "also-replace" });
      const also = element("label", { class: "check" }, replace, " Also replace the general invite link, so that they cannot come back by it");
      if (!await confirm(["Remove ", model.who(person.id), " from the session?"], { yes: "Remove", more: also })) return;
      const isReplaced = replace.checked;
      attempt((async () => {
        await api.delete(`/participants/${person.id}`);
        if (isReplaced) onNewInvite((await api.post("/invite")).inviteToken);
      })());
    },
  };
}

/** The decision on a prompt: an approval vouches for the text that was shown by its digest, whatever was made of it. */
async function decision(prompt, action, reason, edited, content) {
  const body = reason ? { action, reason } : { action };
  if (action !== "approve") return body;
  if (edited !== undefined && edited !== prompt) body.editedPrompt = edited;
  return { ...body, promptHash: await sha256(content ? canonical(content) : prompt) };
}

/** What somebody attached, as a file: this page shows none of it. */
async function save(api, path, name) {
  const address = URL.createObjectURL(new Blob([await api.bytes(path)], { type: "application/octet-stream" }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
