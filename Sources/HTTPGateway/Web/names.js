// Who is who: two people of one name are told apart, whatever letters their names are written with.

import { hiddenCount, withoutHidden } from "./text.js";

/** What a name looks like to a person who does not look closely. */
function likeness(person) {
  const name = person.displayName || person.userId;
  return (hiddenCount(name) ? withoutHidden(name) : name).normalize("NFKC").trim().toLowerCase();
}

/**
 * The number of each participant among those whose name looks the same, by id, in the order in which they came. Somebody
 * who left and came back as the same user is the same person.
 */
export function numbersOf(people) {
  const seen = new Map();
  const numbers = new Map();
  for (const person of people) {
    const same = seen.get(likeness(person)) ?? [];
    seen.set(likeness(person), same);
    let at = same.findIndex((other) => other.userId === person.userId && other.leftAt);
    if (at < 0) at = same.push(person) - 1;
    else same[at] = person;
    numbers.set(person.id, at + 1);
  }
  return numbers;
}
