/** The ticket's elements: built once, then only filled. What they hold is what is sent. */

import { Combobox } from "./combobox.js";
import { Question } from "./dialog.js";
import { el, onPress } from "./dom.js";

/** Builds the elements; `on` says what happens. */
export function buildForm(on) {
  const parts = {
    account: el("span", { class: "sub" }),
    symbol: new Combobox("Symbol", on.symbol),
    quote: el("p", { class: "quote" }),
    qty: field("qty", on.edit),
    units: { base: toggle(() => on.unit("base")), quote: toggle(() => on.unit("quote")) },
    presets: el("div", { class: "row presets", role: "group", "aria-label": "Sizes" }),
    modes: { market: toggle(() => on.mode("market"), "Market"), price: toggle(() => on.mode("price"), "Limit") },
    price: field("price", on.edit),
    priceUnit: el("span", { class: "unit" }),
    priceNote: el("p", { id: "price-note", class: "note" }),
    worth: el("p", { class: "worth", role: "status" }),
    notice: el("div", { class: "notice", role: "alert", hidden: true }),
    buy: side("buy", "▲ Buy", "Alt+B", on.press),
    sell: side("sell", "▼ Sell", "Alt+S", on.press),
    position: el("p", { class: "position" }),
    close: action("Close", on.close),
    reverse: action("Reverse", on.reverse),
    flatten: action("Flatten all", on.flatten),
    answers: el("div", { class: "answers", role: "status", "aria-label": "Answers" }),
    question: new Question("order"),
  };
  parts.price.setAttribute("aria-describedby", "price-note");
  parts.root = layout(parts);
  return parts;
}

function layout(parts) {
  const heading = el("div", { class: "heading" }, el("h2", {}, "Order ticket"), parts.account);
  parts.priceRow = el("div", { class: "group" }, label("price", "Limit price"), box(parts.price, parts.priceUnit), parts.priceNote);
  const units = el("div", { class: "units", role: "group", "aria-label": "Quantity in" }, parts.units.base, parts.units.quote);
  const modes = el("div", { class: "toggles", role: "group", "aria-label": "Order type" }, parts.modes.market, parts.modes.price);
  // Out of sight until the style sheet is there, which shows it: no unstyled frame.
  return el(
    "section",
    { class: "ticket", style: "visibility: hidden", "aria-label": "Order ticket" },
    heading,
    el("div", { class: "group" }, label("symbol", "Symbol"), parts.symbol.element, parts.quote),
    el("div", { class: "group" }, label("qty", "Quantity"), box(parts.qty, units), parts.presets),
    modes,
    parts.priceRow,
    parts.worth,
    parts.notice,
    el("div", { class: "row sides" }, parts.buy, parts.sell),
    parts.answers,
    el("div", { class: "holding" }, parts.position, el("div", { class: "row" }, parts.close, parts.reverse, parts.flatten)),
    parts.question.element,
  );
}

function label(of, text) {
  return el("label", { for: of }, text);
}

/** A field with its unit inside. */
function box(input, unit) {
  return el("div", { class: "box" }, input, unit);
}

function field(id, onEdit) {
  // Text, not number: a browser's own number field drops or reads a comma by its language, and says nothing.
  return el("input", { id, type: "text", inputmode: "decimal", class: "input", autocomplete: "off", spellcheck: "false", oninput: onEdit });
}

function toggle(onToggle, text = "") {
  const button = el("button", { type: "button", class: "toggle", "aria-pressed": "false" }, text);
  button.addEventListener("click", onToggle);
  return button;
}

function side(name, text, keys, onSide) {
  const button = el("button", { type: "button", class: `button side ${name}` }, el("span", {}, text), el("kbd", { "aria-hidden": "true" }, keys));
  button.setAttribute("aria-keyshortcuts", keys);
  onPress(button, (at) => onSide(name, at));
  return button;
}

function action(text, onAction) {
  const button = el("button", { type: "button", class: "button outline small" }, text);
  onPress(button, onAction);
  return button;
}
