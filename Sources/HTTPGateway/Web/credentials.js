// What this browser remembers: who the visitor is, and the credentials of the sessions they are in. A closed tab comes back with them.

import { randomId } from "./digest.js";

const MOST_SESSIONS = 50;
const PREFIX = "tandem:session:";

/** Beside the session's id stands the server's address: one browser may know several servers by one name over time. */
const keyOf = (sessionId) => `${PREFIX}${location.origin}/s/${sessionId}`;

/** The browser's store; where it has none, everything is forgotten with the tab. */
function stored(work) {
  try {
    return work(localStorage);
  } catch {
    return null;
  }
}

export function read(sessionId) {
  return stored((storage) => {
    const kept = JSON.parse(storage.getItem(keyOf(sessionId)));
    return typeof kept?.id === "string" && typeof kept.token === "string" ? kept : null;
  });
}

/** Keeps `{id, token, invite?}`; beyond a number of sessions the one that was opened longest ago is forgotten. */
export function keep(sessionId, credentials) {
  stored((storage) => {
    storage.setItem(keyOf(sessionId), JSON.stringify({ ...credentials, at: Date.now() }));
    const others = Object.keys(storage).filter((key) => key.startsWith(PREFIX) && key !== keyOf(sessionId))
      .map((key) => [key, stored(() => JSON.parse(storage.getItem(key)).at) ?? 0]).sort((a, b) => b[1] - a[1]);
    for (const [key] of others.slice(MOST_SESSIONS - 1)) storage.removeItem(key);
  });
}

/** Drops them, unless another tab has become somebody else in the meantime. */
export function drop(sessionId, participantId) {
  if (read(sessionId)?.id === participantId) stored((storage) => storage.removeItem(keyOf(sessionId)));
}

/** Calls back when another tab drops what this one uses. */
export function onDropped(sessionId, signal, callback) {
  addEventListener("storage", (event) => {
    if (event.key === null || (event.key === keyOf(sessionId) && event.newValue === null)) callback();
  }, { signal });
}

/** Who joins from here. The same person on this device is the same user when they come back. */
export function visitor() {
  return { user: stored((storage) => storage.getItem("tandem:user")) ?? randomId(), name: stored((storage) => storage.getItem("tandem:name")) ?? "" };
}

export function rememberVisitor(user, name) {
  stored((storage) => {
    storage.setItem("tandem:user", user);
    storage.setItem("tandem:name", name);
  });
}

export function forgetVisitor() {
  stored((storage) => {
    storage.removeItem("tandem:user");
    storage.removeItem("tandem:name");
  });
}
