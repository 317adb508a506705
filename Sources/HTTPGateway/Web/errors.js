// What went wrong, in words for whoever sits before the page.

/** The server's refusal. What it says is taken over, but for what only makes sense to whoever wrote a client. */
export class Refused extends Error {
  constructor(status, body) {
    super(SENTENCES[body?.code]?.(body.error) ?? body?.error ?? `The server answered ${status} and said nothing more.`);
    this.status = status;
    this.code = body?.code ?? "";
  }
}

/** No answer came. What was sent may or may not have arrived. */
export class Unreachable extends Error {
  constructor(method) {
    super("The server cannot be reached: the network or the server may be down."
      + (method === "GET" ? "" : " Look whether it has happened before you try it again."));
    this.code = "";
  }
}

const SENTENCES = {
  HOST_NOT_ALLOWED: () => `This server does not answer to the name “${location.host}”. Open it by a name that it knows, `
    + "or ask whoever runs it to add this one to its list of hosts.",
  ORIGIN_NOT_ALLOWED: () => `The server takes nothing from a page of the address ${location.origin}. Open the page at the server's own address, `
    + "or ask whoever runs it to add this one to its list of origins (cors.origins).",
  APPROVAL_ALREADY_RESOLVED: (said) => {
    const [, did, who] = String(said).match(/: it is (\w+)(?: by (.*))?\.$/) ?? [];
    return `${who ? `${who} has already ${did} this.` : did ? `This is already ${did}.` : said} Your answer changed nothing.`;
  },
  APPROVAL_NOT_FOUND: () => "That is gone. Your answer changed nothing.",
  INVALID_FIELD: (said) => {
    const [, has, most] = String(said).match(/has (\d+) bytes; at most (\d+)/) ?? [];
    return has ? `Too long: ${Number(has).toLocaleString("en")} of ${Number(most).toLocaleString("en")} bytes.` : said;
  },
  PROMPT_CHANGED: () => "The prompt is not the text that you were shown, so nothing was approved. Reload the page and read it again.",
};

/** Whether a refusal means that the credentials are of no use any more; what a proxy says in between does not. */
export function isOfTheCredentials(error) {
  if (!(error instanceof Refused) || !error.code || isOfTheSession(error)) return false;
  return [401, 403, 404].includes(error.status) ? error.code !== "ORIGIN_NOT_ALLOWED" : error.code === "PARTICIPANT_INACTIVE";
}

/** Whether it means that there is no such session any more. */
export function isOfTheSession(error) {
  return ["SESSION_INACTIVE", "SESSION_NOT_FOUND"].includes(error?.code);
}
