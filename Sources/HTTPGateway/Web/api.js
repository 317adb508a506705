// The node's HTTP API.

import { randomId } from "./digest.js";
import { Refused, Unreachable } from "./errors.js";

export class Api {
  constructor(sessionId, credentials = null) {
    this.base = `/api/shared-sessions/${encodeURIComponent(sessionId)}`;
    this.sessionId = sessionId;
    this.credentials = credentials;
  }

  get authorization() {
    return this.credentials ? { Authorization: `Bearer ${this.credentials.id}.${this.credentials.token}` } : {};
  }

  /** `key` makes a repeat harmless: one that was given before is sent again with it. It opens the answer, so nobody may guess it. */
  async call(method, path, body, { key = randomId(), attempts = 4 } = {}) {
    const headers = this.authorization;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (method === "POST") headers["Idempotency-Key"] = key;
    for (let attempt = 1; ; attempt++) {
      try {
        const reply = await fetch(this.base + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
        const answer = await reply.json().catch(() => null);
        if (reply.ok) return answer;
        if ((reply.status === 503 || reply.status === 504) && attempt < attempts) throw new TypeError("try again");
        throw new Refused(reply.status, answer);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        if (attempt >= attempts) throw new Unreachable(method);
        await pause(400 * 2 ** (attempt - 1));
      }
    }
  }

  /** A reply that is not JSON, as it is. */
  async bytes(path) {
    const reply = await fetch(this.base + path, { headers: this.authorization }).catch(() => { throw new Unreachable("GET"); });
    if (!reply.ok) throw new Refused(reply.status, await reply.json().catch(() => null));
    return reply.blob();
  }

  get(path) { return this.call("GET", path); }
  post(path, body = {}, how = {}) { return this.call("POST", path, body, how); }
  delete(path) { return this.call("DELETE", path); }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
