// What a visitor can do to others' prompts, to people and to the queue; each answer comes back as an event of the stream.

import { sha256 } from "./digest.js";

const GONE = {
  approved: "it was approved", rejected: "it was rejected", withdrawn: "it was taken back", expired: "its time ran out", failed: "it had failed",
};

/** The calls behind the buttons. `attempt` shows what went wrong and says whether it went well, `confirm` asks first. */
export function actionsFor(api, model, attempt, confirm) {
  const patch = (id, change) => attempt(api.call("PATCH", `/participants/${id}`, change));
  /** Sends nothing about what this page knows to be over. */
  const whileItWaits = async (id, work) => {
    const status = model.approvals.get(id)?.status;
    if (status !== "pending") throw new Error(`That was no longer waiting: ${GONE[status] ?? "it is gone"}. Your answer changed nothing.`);
    return work();
  };
  return {
    resolve: (id, prompt, action, reason, edited) =>
      attempt(whileItWaits(id, async () => api.post(`/approvals/${id}`, await decision(prompt, action, reason, edited)))),
    answer: (id, optionId, reason) =>
      attempt(whileItWaits(id, () => api.post(`/approvals/${id}`, reason ? { optionId, reason } : { optionId }))),
    withdraw: (id) => attempt(whileItWaits(id, () => api.post(`/approvals/${id}/withdraw`))),
    takeOut: (id) => attempt(api.delete(`/queue/${id}`)),
    changeRole: (id, role) => patch(id, { role }),
    letDecide: (id, canApprove) => patch(id, { canApprove }),
    handOver: async (person) => {
      const text = "? They decide from then on, also about you; prompts still run on this agent.";
      if (await confirm(["Make ", { name: model.name(person.id) }, ` the host${text}`])) attempt(api.post("/host", { newHostParticipantId: person.id }));
    },
    remove: async (person) => {
      if (await confirm(["Remove ", { name: model.name(person.id) }, " from the session?"])) attempt(api.delete(`/participants/${person.id}`));
    },
  };
}

/** The decision on a prompt: an approval vouches for the text that was shown by its digest, whatever was made of it. */
async function decision(prompt, action, reason, edited) {
  const body = reason ? { action, reason } : { action };
  if (action !== "approve") return body;
  if (edited !== undefined && edited !== prompt) body.editedPrompt = edited;
  return { ...body, promptHash: await sha256(prompt) };
}
