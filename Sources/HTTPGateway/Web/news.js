// What is said aloud of what happens: a message when it is whole, a turn when it has ended, a decision when it begins to wait.

import { say, sayDecision } from "./announce.js";
import { pendingSentence } from "./decisions.js";
import { plain } from "./parts.js";

export class News {
  constructor(model, me) {
    Object.assign(this, { model, me, told: null });
  }

  heard({ type, payload }) {
    const { model } = this;
    switch (type) {
      case "message_created":
        if (payload.message.kind === "comment" && payload.message.participantId !== this.me().id) {
          say(`${plain(model.who(payload.message.participantId))}: ${payload.message.text}`);
        }
        return;
      case "prompt_dispatch_started": return say("The agent has begun.");
      case "prompt_dispatch_completed": {
        const answer = model.turns.get(payload.approvalId)?.turn.answer ?? "";
        return say(`The agent has finished. ${answer.slice(0, 250)}`);
      }
      case "prompt_dispatch_failed": return say(`The prompt failed: ${payload.error}`);
      case "prompt_rejected": return say(`${plain(model.who(payload.approval.resolvedByParticipantId))} rejected: ${payload.approval.prompt.slice(0, 80)}`);
      case "session_closed": return say("The session is over.");
      default:
    }
  }

  /** Said once for each; what waited before the page was there is one sentence. */
  decisions(pending) {
    if (!this.told) {
      this.told = new Set(pending.map(({ id }) => id));
      if (pending.length) sayDecision(pending.length === 1 ? pendingSentence(pending[0], this.model) : `${pending.length} things wait for a decision.`);
      return;
    }
    for (const approval of pending) {
      if (this.told.has(approval.id)) continue;
      this.told.add(approval.id);
      sayDecision(pendingSentence(approval, this.model));
    }
  }
}
