// The node's HTTP API, and the stream that survives anything.

import { randomId } from "./digest.js";
import { Refused, Unreachable } from "./errors.js";

export class Api {
  constructor(sessionId, credentials = null) {
    this.base = `/api/shared-sessions/${encodeURIComponent(sessionId)}`;
    this.sessionId = sessionId;
    this.credentials = credentials;
  }

  async call(method, path, body) {
    const headers = {};
    if (this.credentials) headers.Authorization = `Bearer ${this.credentials.id}.${this.credentials.token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    // A key makes a repeat harmless, so a request whose answer was lost is sent again. It opens the answer: nobody may guess it.
    if (method === "POST") headers["Idempotency-Key"] = randomId();
    for (let attempt = 0; ; attempt++) {
      try {
        const reply = await fetch(this.base + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
        const answer = await reply.json().catch(() => null);
        if (reply.ok) return answer;
        if ((reply.status === 503 || reply.status === 504) && attempt < 3) throw new TypeError("try again");
        throw new Refused(reply.status, answer);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        if (attempt >= 3) throw new Unreachable(method);
        await pause(400 * 2 ** attempt);
      }
    }
  }

  /** A reply that is not JSON, as it is. */
  async bytes(path) {
    const headers = { Authorization: `Bearer ${this.credentials.id}.${this.credentials.token}` };
    const reply = await fetch(this.base + path, { headers }).catch(() => { throw new Unreachable("GET"); });
    if (!reply.ok) throw new Refused(reply.status, await reply.json().catch(() => null));
    return reply.blob();
  }

  get(path) { return this.call("GET", path); }
  post(path, body = {}) { return this.call("POST", path, body); }
  delete(path) { return this.call("DELETE", path); }
}

/** Reads a session's stream from its beginning, and goes on after the last event whenever it breaks. */
export class EventReader {
  constructor(api, { onEvent, onState, onGone }) {
    Object.assign(this, { api, onEvent, onState, onGone });
    this.cursor = "earliest";
    this.failures = 0;
    this.source = null;
    this.isStopped = false;
  }

  async start() {
    if (this.isStopped) return;
    this.onState(this.failures ? "reconnecting" : "connecting");
    let ticket;
    try {
      // A ticket works once, so no long-lived token is ever part of an address.
      ({ ticket } = await this.api.post("/stream-tickets"));
    } catch (error) {
      if (error instanceof Refused && error.status < 500 && error.status !== 429) return this.onGone(error);
      return this.retry(error instanceof Unreachable ? new Unreachable("GET") : error);
    }
    if (this.isStopped) return;
    const query = new URLSearchParams({ ticket, lastEventId: this.cursor });
    const source = new EventSource(`${this.api.base}/stream?${query}`);
    this.source = source;
    source.onopen = () => { this.failures = 0; this.onState("live"); };
    source.onmessage = (message) => {
      if (message.lastEventId) this.cursor = message.lastEventId;
      const event = JSON.parse(message.data);
      if (event.type === "stream_reset") this.cursor = event.payload.cursor;
      this.onEvent(event);
    };
    source.onerror = () => {
      source.close();
      this.retry();
    };
  }

  retry(error) {
    if (this.isStopped) return;
    this.failures++;
    this.onState("reconnecting", error);
    const most = Math.min(15_000, 500 * 2 ** Math.min(this.failures, 5));
    setTimeout(() => this.start(), most / 2 + Math.random() * most / 2);
  }

  stop() {
    this.isStopped = true;
    this.source?.close();
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
