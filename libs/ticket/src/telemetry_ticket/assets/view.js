/** Fills the ticket's elements from what is known; nothing here decides or sends. */

import { el, setText, show } from "./dom.js";
import { grouped, money, price as showPrice, span } from "./numbers.js";
import * as orders from "./orders.js";

/** Characters of a size of which four fit beside each other. */
const MOST_IN_A_ROW = 6;

export class View {
  /** @param {(size: string) => void} onSize called when a size is chosen */
  constructor(parts, onSize) {
    [this.parts, this.onSize] = [parts, onSize];
    this.presetsOf = "";
    this.answersMade = "";
  }

  /** Redraws what has changed. `silence` is in ms while the server is not there, else null. */
  render({ facts, symbol, draft, form, refusal, silence, lines }) {
    const parts = this.parts;
    const { base, quote } = orders.currencies(symbol);
    setText(parts.account, facts.account ? `account ${facts.account}` : "");
    this.renderQuote(symbol, facts);
    setText(parts.units.base, base);
    setText(parts.units.quote, quote);
    setText(parts.priceUnit, quote);
    press(parts.units, draft.unit);
    press(parts.modes, draft.mode);
    show(parts.priceRow, draft.mode === "price");
    this.renderPresets(symbol, draft.unit, facts);
    const { order } = orders.readTicket(form, "buy", facts);
    this.renderWorth(order, facts, base, quote);
    this.renderNotice(refusal || notice(order, facts, silence));
    parts.root.classList.toggle("silent", silence !== null);
    this.renderHolding(symbol, facts, base);
    this.renderAnswers(lines);
  }

  renderQuote(symbol, facts) {
    const quote = facts.quote?.symbol === symbol ? facts.quote : null;
    setText(this.parts.quote, orders.priceLine(quote));
    this.parts.quote.classList.toggle("old", orders.isOld(symbol, facts));
  }

  /** Sizes to choose; they stay while the price moves, so that a button is what it was when the finger started. */
  renderPresets(symbol, unit, facts) {
    const last = orders.lastPrice(symbol, facts);
    const key = `${symbol} ${unit} ${last !== null} ${facts.limits?.max_notional} ${facts.limits?.max_qty}`;
    if (key === this.presetsOf) return;
    this.presetsOf = key;
    const sizes = orders.presets(unit, last, facts.limits).map((size) => this.preset(size));
    // Four in a row, or two by two: never three and one.
    this.parts.presets.classList.toggle("long", sizes.some((size) => size.textContent.length > MOST_IN_A_ROW));
    this.parts.presets.replaceChildren(...sizes);
  }

  preset(size) {
    const button = el("button", { type: "button", class: "button outline small" }, grouped(Number(size)));
    button.addEventListener("click", () => this.onSize(size));
    return button;
  }

  renderWorth(order, facts, base, quote) {
    const value = order ? orders.worth(order, facts) : null;
    const size = order ? `= ${grouped(order.qty)} ${base}` : "The value shows here before you send.";
    setText(this.parts.worth, value === null ? size : `${size}, worth about ${money(value)} ${quote}`);
    setText(this.parts.priceNote, orders.priceNote(order, facts));
  }

  renderNotice(text) {
    setText(this.parts.notice, text);
    show(this.parts.notice, text !== "");
  }

  renderHolding(symbol, facts, base) {
    const held = facts.positions.find((one) => one.symbol === symbol);
    const text = held ? `Position ${grouped(Number(held.qty))} ${base}${held.average ? ` at ${showPrice(held.average)}` : ""}` : "No position";
    setText(this.parts.position, text);
    for (const button of [this.parts.close, this.parts.reverse]) button.disabled = !held;
    this.parts.flatten.disabled = !facts.positions.length;
  }

  renderAnswers(lines) {
    const made = JSON.stringify(lines);
    if (made === this.answersMade) return;
    this.answersMade = made;
    this.parts.answers.replaceChildren(...lines.map((line) => answer(line)));
  }
}

/** Why the next press will be refused, as far as is known; the gravest reason first. */
function notice(order, facts, silence) {
  if (silence !== null) {
    return `The page's server has not answered for ${span(silence)}: this ticket does not know what is going on. Nothing is sent.`;
  }
  if (facts.kill_switch) return "The kill switch is engaged: every order is refused.";
  return facts.trouble ?? (order ? orders.limitRefusal(order, facts) : null) ?? "";
}

function answer({ id, tone, title, text }) {
  return el("p", { class: `answer ${tone}`, "data-order": id }, el("b", {}, title), " ", el("span", {}, text));
}

function press(buttons, chosen) {
  for (const [name, button] of Object.entries(buttons)) button.setAttribute("aria-pressed", String(name === chosen));
}
