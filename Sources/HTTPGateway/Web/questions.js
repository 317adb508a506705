// What the agent wants to know: a form made of its fields, or a page that somebody may open. The node checks what is answered.

import { element, exactText, objects } from "./parts.js";
import { revealedLine } from "./text.js";

/** The fields of a question, with `answer()` for what is filled in; empty ones are left out. */
export function questionForm(approval) {
  const schema = approval.question?.schema;
  const required = Array.isArray(schema?.required) ? schema.required : [];
  const fields = Object.entries(schema?.properties ?? {}).map(([name, field]) => fieldOf(name, field, required.includes(name)));
  const form = element("form", { class: "question-form", onsubmit: (event) => event.preventDefault() }, ...fields.map((field) => field.node));
  return { node: fields.length ? form : null, answer: () => Object.fromEntries(fields.map(({ name, value }) => [name, value()]).filter(([, value]) => value !== undefined)) };
}

function choicesOf(field) {
  const list = field.oneOf ?? field.enum ?? field.items?.anyOf ?? field.items?.enum ?? [];
  return list.map((choice) => typeof choice === "string" ? { value: choice, title: choice } : { value: choice.const, title: choice.title ?? choice.const });
}

function fieldOf(name, field, isRequired) {
  const label = element("span", { class: "field-name" }, revealedLine(field.title ?? name), isRequired ? element("span", { class: "quiet" }, " (needed)") : null);
  const about = field.description ? element("span", { class: "quiet" }, revealedLine(field.description)) : null;
  const wrap = (input, value) => ({ name, value, node: element("label", { class: "field" }, label, input, about) });
  const choices = choicesOf(field);
  if (field.type === "array") {
    const boxes = choices.map(({ value, title }) => {
      const box = element("input", { type: "checkbox", checked: objects([field.default]).length === 0 && (field.default ?? []).includes(value) });
      return { value, box, node: element("label", { class: "check" }, box, " ", revealedLine(title)) };
    });
    const value = () => {
      const chosen = boxes.filter(({ box }) => box.checked).map((entry) => entry.value);
      return chosen.length || isRequired ? chosen : undefined;
    };
    return { name, value, node: element("fieldset", { class: "field" }, element("legend", {}, label), ...boxes.map((entry) => entry.node), about) };
  }
  if (field.type === "boolean" || choices.length) {
    const all = field.type === "boolean" ? [{ value: "true", title: "Yes" }, { value: "false", title: "No" }] : choices;
    const select = element("select", {}, element("option", { value: "" }, "No answer"),
      ...all.map(({ title }, at) => element("option", { value: String(at + 1), selected: String(field.default) === all[at].value }, revealedLine(title))));
    return wrap(select, () => {
      const chosen = all[Number(select.value) - 1]?.value;
      return chosen === undefined || field.type !== "boolean" ? chosen : chosen === "true";
    });
  }
  const isNumber = field.type === "number" || field.type === "integer";
  const type = isNumber ? "number" : { email: "email", date: "date" }[field.format] ?? "text";
  const input = element("input", { type, step: field.type === "number" ? "any" : undefined, min: field.minimum, max: field.maximum, autocomplete: "off", dir: "auto" });
  if (field.default !== undefined) input.value = String(field.default);
  return wrap(input, () => input.value === "" ? undefined : isNumber ? Number(input.value) : input.value);
}

/** Where a page is that somebody is to open: its host first, and nothing that opens by itself. */
export function pageNode({ url, host }) {
  if (!/^https?:\/\//i.test(url ?? "")) return null;
  return element("div", { class: "page" }, element("p", {}, "It wants somebody to open a page on ", element("strong", {}, element("bdi", { dir: "ltr" }, revealedLine(host))), "."),
    exactText(url), element("p", {}, element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, "Open this page yourself")));
}
