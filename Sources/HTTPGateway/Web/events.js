// The session's stream: read from its beginning, and gone on with after the last event whenever it breaks.

import { Refused, Unreachable } from "./errors.js";

/** Takes pieces of an event stream and gives whole events as `{id, data}`. */
export class StreamParser {
  constructor() {
    this.rest = "";
  }

  feed(text) {
    const parts = (this.rest + text).split("\n\n");
    this.rest = parts.pop();
    const events = [];
    for (const part of parts) {
      let id = "", data = "";
      for (const line of part.split("\n")) {
        if (line.startsWith("data:")) data += line.slice(line[5] === " " ? 6 : 5);
        else if (line.startsWith("id:")) id = line.slice(line[3] === " " ? 4 : 3);
      }
      if (data) events.push({ id, data });
    }
    return events;
  }
}

// Heartbeats come every few seconds: a connection that is silent for so long is dead, whatever the network says.
const SILENCE_MS = 90_000;
// A long history is taken in parts, so that the page answers in between.
const PART = 300;

/**
 * `onEvents(events, isCaughtUp)` gets them in order; the credentials travel in a header, so no address ever holds them.
 */
export class EventReader {
  constructor(api, { onEvents, onState, onGone, until = null }) {
    Object.assign(this, { api, onEvents, onState, onGone, until });
    this.cursor = "earliest";
    this.failures = 0;
    this.isStopped = false;
    this.isCaughtUp = false;
  }

  async start() {
    if (this.isStopped) return;
    this.onState(this.failures ? "reconnecting" : "connecting");
    this.connection = new AbortController();
    let silence = setTimeout(() => this.connection.abort(), SILENCE_MS);
    try {
      const reply = await fetch(`${this.api.base}/stream`, {
        headers: { ...this.api.authorization, "Last-Event-ID": this.cursor }, signal: this.connection.signal, cache: "no-store",
      }).catch(() => { throw new Unreachable("GET"); });
      if (!reply.ok) throw new Refused(reply.status, await reply.json().catch(() => null));
      const parser = new StreamParser();
      const text = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { value, done } = await text.read();
        if (done) break;
        clearTimeout(silence);
        silence = setTimeout(() => this.connection.abort(), SILENCE_MS);
        await this.take(parser.feed(value));
        if (this.isStopped) return;
      }
      throw undefined;
    } catch (error) {
      clearTimeout(silence);
      if (this.isStopped) return;
      if (error instanceof Refused && error.status < 500 && error.status !== 429) return this.onGone(error);
      this.retry(error instanceof Error && error.name !== "AbortError" && !(error instanceof TypeError) ? error : undefined);
    }
  }

  async take(received) {
    for (let at = 0; at < received.length; at += PART) {
      const events = received.slice(at, at + PART).map(({ id, data }) => {
        const event = JSON.parse(data);
        if (id) this.cursor = id;
        if (event.type === "stream_reset") this.cursor = event.payload.cursor;
        // A node that waits for its Redis has answered, and knows nothing yet.
        if (event.type === "connected") this.isLive(event.payload.cursor);
        return event;
      });
      this.isCaughtUp ||= !this.until || !isBefore(this.cursor, this.until);
      await this.onEvents(events, this.isCaughtUp);
      if (this.isStopped) return;
      if (at + PART < received.length) await new Promise((resolve) => setTimeout(resolve));
    }
  }

  isLive(cursor) {
    this.failures = 0;
    this.until ??= cursor;
    this.onState("live");
  }

  retry(error) {
    this.failures++;
    this.onState("reconnecting", error);
    const most = Math.min(15_000, 500 * 2 ** Math.min(this.failures, 5));
    this.timer = setTimeout(() => this.start(), most / 2 + Math.random() * most / 2);
  }

  /** Tries at once instead of waiting. */
  hurry() {
    if (this.isStopped || !this.failures) return;
    clearTimeout(this.timer);
    this.connection?.abort();
    this.timer = setTimeout(() => this.start());
  }

  stop() {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.connection?.abort();
  }
}

/** Whether a place in the stream (`milliseconds-number`) lies before another. */
export function isBefore(a, b) {
  if (a === "earliest") return true;
  const [x, y] = [a, b].map((id) => String(id).split("-").map(Number));
  return x[0] !== y[0] ? x[0] < y[0] : (x[1] ?? 0) < (y[1] ?? 0);
}
