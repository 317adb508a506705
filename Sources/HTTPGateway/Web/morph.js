// Makes one tree of nodes look like another with the fewest changes, so that what stays keeps its focus, its selection and its place.

/** Makes the children of `place` like those of `fresh`, which is used up. */
export function morphChildren(place, fresh) {
  let old = place.firstChild;
  for (let next = fresh.firstChild; next;) {
    const after = next.nextSibling;
    if (!old) {
      place.append(next);
    } else if (isSame(old, next)) {
      morph(old, next);
      old = old.nextSibling;
    } else {
      const gone = old;
      old = old.nextSibling;
      gone.replaceWith(next);
    }
    next = after;
  }
  while (old) {
    const gone = old;
    old = old.nextSibling;
    gone.remove();
  }
}

function isSame(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

function morph(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) return changeText(old, fresh.data);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
  morphChildren(old, fresh);
}

/** Text that has grown is added to; what was selected of it stays selected. */
export function changeText(node, text) {
  const before = node.data;
  if (before === text) return;
  if (text.startsWith(before)) return node.appendData(text.slice(before.length));
  let same = 0;
  while (same < before.length && before.charCodeAt(same) === text.charCodeAt(same)) same++;
  node.replaceData(same, before.length - same, text.slice(same));
}

/** Sets an element's only text, where it is another one. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
