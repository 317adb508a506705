// Who the visitor is: somebody with a link, somebody who comes back, or nobody yet.

import { Api } from "./api.js";
import { drop, forgetVisitor, keep, read, rememberVisitor, visitor } from "./credentials.js";
import { randomId } from "./digest.js";
import { isOfTheCredentials, isOfTheSession } from "./errors.js";
import { downloadRecord } from "./manage.js";
import { Model } from "./model.js";
import { Page } from "./page.js";
import { element } from "./parts.js";

const $ = (id) => document.getElementById(id);
const show = (id, isShown = true) => { $(id).hidden = !isShown; };

const sessionId = location.pathname.match(/^\/s\/([^/]+)$/)?.[1];
let invite = null;
let page = null;

$("join-form").addEventListener("submit", (event) => { event.preventDefault(); join(); });
if (sessionId) enter();
else if (location.pathname === "/") startPage();
else sorry("There is no such page", "The address leads nowhere on this server.", { "Start page": () => { location.href = "/"; } });
// A link that is opened in the tab that is here already changes only what stands behind the #.
addEventListener("hashchange", () => { if (sessionId && location.hash.length > 1) enter(); });

function startPage() {
  only("start");
  $("start-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const link = linkIn("start-link");
    // A session of another server is there, not here.
    if (link) location.href = link.href;
    else problem("start-error", "That is not an invite link: it looks like …/s/SESSION#invite=TOKEN.");
  });
}

/** The link to a session that somebody has put into a field. */
function linkIn(id) {
  try {
    const link = new URL($(id).value);
    return /^\/s\/[^/]+$/.test(link.pathname) && ["http:", "https:"].includes(link.protocol) ? link : null;
  } catch {
    return null;
  }
}

/** A host's link comes before what this browser remembers, and that before an invite: whoever joined comes back as themselves. */
function enter() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const kept = read(sessionId);
  const host = hostIn(fragment.get("host"));
  invite = fragment.get("invite") ?? kept?.invite ?? invite;
  if (page && !host) return history.replaceState(null, "", location.pathname);
  page?.clear();
  page = null;
  const credentials = host ? { ...host, ...invite ? { invite } : {} } : kept;
  if (credentials) return open(credentials);
  if (!invite) return sorry("An invite is missing", "The link to this session is not complete. Ask the host for the whole invite link.");
  joinForm();
}

function hostIn(value) {
  const dot = value?.lastIndexOf(".") ?? -1;
  return dot < 0 ? null : { id: value.slice(0, dot), token: value.slice(dot + 1) };
}

/** Asks for a name, and for the invite where it is not known; `why` says what happened to somebody who was in already. */
function joinForm(why = null) {
  only("join");
  problem("join-why", why);
  problem("join-error", null);
  show("join-link-part", !invite);
  $("join-link").required = !invite;
  $("join-name").value ||= visitor().name;
  (invite ? $("join-name") : $("join-link")).focus();
}

async function join() {
  const link = invite ? null : linkIn("join-link");
  const inviteToken = invite ?? (link?.pathname === location.pathname ? new URLSearchParams(link.hash.slice(1)).get("invite") : null);
  if (!inviteToken) return problem("join-error", "That is not an invite link of this session: it looks like …/s/SESSION#invite=TOKEN.");
  const name = $("join-name").value.trim();
  const { user } = visitor();
  const role = $("join-viewer").checked ? "viewer" : "collaborator";
  try {
    const { participant, userId } = await joinAs(user, { inviteToken, displayName: name, role });
    rememberVisitor(userId, name);
    open({ id: participant.id, token: participant.accessToken, invite: inviteToken });
  } catch (error) {
    problem("join-error", error.message);
  }
}

/** Whoever is in the session already and has lost the key to it comes as somebody new: nobody else's key is ever given out. */
async function joinAs(userId, body) {
  const api = new Api(sessionId);
  try {
    return { ...await api.post("/join", { ...body, userId }), userId };
  } catch (error) {
    if (error.code !== "USER_ALREADY_JOINED") throw error;
    const fresh = randomId();
    return { ...await api.post("/join", { ...body, userId: fresh }), userId: fresh };
  }
}

async function open(credentials) {
  const api = new Api(sessionId, credentials);
  const model = new Model();
  let until = null, ended = null;
  try {
    const snapshot = await api.get("");
    model.take(snapshot);
    until = snapshot.cursor;
  } catch (error) {
    if (isOfTheCredentials(error)) return refused(credentials, error);
    if (!isOfTheSession(error)) return sorry("This session cannot be opened now", error.message, again(credentials));
    if (error.code === "SESSION_NOT_FOUND") return over(api, error);
    // What happened in a session that has ended can be read for as long as it is kept.
    ended = error;
  }
  keep(sessionId, credentials);
  history.replaceState(null, "", location.pathname);
  only("session");
  for (const id of ["facts", "connection", "bar-buttons"]) show(id);
  show("leave", !ended);
  page = new Page(api, model, credentials.id, {
    until,
    refused: (error) => {
      page = null;
      if (ended) return over(api, ended);
      if (isOfTheCredentials(error)) return refused(credentials, error);
      return sorry("The session cannot be followed now", error.message, again(credentials));
    },
    left: (title, text, mayRejoin) => {
      page = null;
      drop(sessionId, credentials.id);
      invite = mayRejoin ? credentials.invite ?? null : null;
      sorry(title, text, invite ? { Rejoin: () => joinForm() } : {});
    },
  });
  page.run();
}

/** Credentials that the server does not take are of no use to anybody: they go, and their owner can join again. */
function refused(credentials, error) {
  drop(sessionId, credentials.id);
  history.replaceState(null, "", location.pathname);
  joinForm(error.code === "PARTICIPANT_INACTIVE"
    ? "You are no longer in this session: you left it, or the host removed you. You can join again if your invite still works."
    : `The key to this session that you came with is no longer taken, so it was forgotten here (the server says: ${error.message}). Join again to come back.`);
}

/** Whoever was there at the end can still have the record of it, until it is purged. */
function over(api, error) {
  const { id } = api.credentials;
  if (error.code === "SESSION_NOT_FOUND") {
    drop(sessionId, id);
    return sorry("There is no such session", error.message);
  }
  const save = () => downloadRecord(api).catch((problem) => over(api, problem));
  const forget = () => {
    drop(sessionId, id);
    forgetVisitor();
    sorry("This browser has forgotten you", "Your name and your key to the session are gone from here.");
  };
  sorry("This session is over", error.message, { "Download the record": save, "Forget me here": forget });
}

const again = (credentials) => ({ "Try again": () => { only(null); open(credentials); } });

function sorry(title, text, buttons = {}) {
  only("message");
  $("message-title").textContent = title;
  $("message-text").textContent = text;
  $("message-title").focus({ preventScroll: true });
  $("message-buttons").replaceChildren(...Object.entries(buttons).map(([name, onclick]) => element("button", { type: "button", class: "primary", onclick }, name)));
}

function only(part) {
  for (const id of ["start", "join", "message", "session"]) show(id, id === part);
  if (part !== "session") for (const id of ["facts", "connection", "bar-buttons", "session-title"]) show(id, false);
}

function problem(id, text) {
  $(id).textContent = text ?? "";
  show(id, Boolean(text));
}
