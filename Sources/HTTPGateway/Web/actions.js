// What a visitor can do to others' prompts, to people and to the queue; each answer comes back as an event of the stream.

/** The calls behind the buttons. `attempt` shows what went wrong, `confirm` asks first. */
export function actionsFor(api, model, attempt, confirm) {
  const patch = (id, change) => attempt(api.call("PATCH", `/participants/${id}`, change));
  return {
    resolve: (approval, action, reason, edited) => attempt(decide(api, approval, action, reason, edited)),
    answer: (id, optionId, reason) => attempt(api.post(`/approvals/${id}`, reason ? { optionId, reason } : { optionId })),
    withdraw: (id) => attempt(api.post(`/approvals/${id}/withdraw`)),
    takeOut: (id) => attempt(api.delete(`/queue/${id}`)),
    changeRole: (id, role) => patch(id, { role }),
    letDecide: (id, canApprove) => patch(id, { canApprove }),
    handOver: async (person) => {
      const text = `Make ${model.name(person.id)} the host? They decide from then on, also about you; prompts still run on this agent.`;
      if (await confirm(text)) attempt(api.post("/host", { newHostParticipantId: person.id }));
    },
    remove: async (person) => {
      if (await confirm(`Remove ${model.name(person.id)} from the session?`)) attempt(api.delete(`/participants/${person.id}`));
    },
  };
}

/** Decides on a prompt; with the digest of the text that was shown, where the browser can make one. */
async function decide(api, approval, action, reason, edited) {
  const body = reason ? { action, reason } : { action };
  if (action === "approve") {
    if (edited !== undefined && edited !== approval.prompt) body.editedPrompt = edited;
    if (globalThis.crypto?.subtle) {
      const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(approval.prompt));
      body.promptHash = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    }
  }
  return api.post(`/approvals/${approval.id}`, body);
}
