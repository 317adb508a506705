// What is spoken to those who do not see the page change: each thing once, when it is whole.

import { withoutHidden } from "./text.js";

const $ = (id) => document.getElementById(id);
const MOST = 300;

/** Something that has happened. */
export function say(text) { speak("spoken", text); }

/** Something that waits for an answer; it has a place of its own, so that nothing else drowns it. */
export function sayDecision(text) { speak("spoken-decision", text); }

function speak(id, text) {
  const line = document.createElement("p");
  text = withoutHidden(text);
  line.textContent = text.length > MOST ? `${text.slice(0, MOST)}…` : text;
  $(id).append(line);
  while ($(id).children.length > 3) $(id).firstElementChild.remove();
}

export function clearSpoken() {
  for (const id of ["spoken", "spoken-decision"]) $(id).replaceChildren();
}
