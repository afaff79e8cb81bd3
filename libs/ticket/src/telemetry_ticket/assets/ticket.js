/** The order ticket: holds its own fields, sends every unanswered order in one event, and shows the answers. */

import { isAsking } from "./dialog.js";
import { tabStore } from "./dom.js";
import { buildForm } from "./form.js";
import { span } from "./numbers.js";
import * as orders from "./orders.js";
import { Outbox } from "./outbox.js";
import { stage } from "./stage.js";
import { Staged } from "./staged.js";
import { ORDER_TWICE_MS, POSITION_TWICE_MS, Press } from "./twice.js";
import { View } from "./view.js";

const SHOWN_ANSWERS = 4;
const UNSEEN_MS = 500;
const TURN_MS = 1_100; // as many orders a second as the desk takes
const LEAVING = "Not sent: another page is being opened. Nothing was traded.";
const EMPTY = { qty: "", unit: "base", mode: "market", price: "" };

class Ticket extends Staged {
  constructor() {
    super({ b: "buy", s: "sell" });
    this.id = crypto.randomUUID();
    this.picks = 0;
    this.announcedAt = -Infinity;
    this.facts = { now_ms: 0, steady_ms: 0, page: "", symbols: [], ask_above: 0, ask_age_ms: Infinity, positions: [] };
    this.drafts = tabStore("telemetry-ticket", {});
    this.kept = this.drafts.load();
    this.outbox = new Outbox(tabStore("telemetry-ticket-orders", []), performance.now());
    this.symbol = "";
    this.draft = { ...EMPTY };
    this.refusal = "";
    this.pressed = new Press(null, -Infinity, ORDER_TWICE_MS);
    this.closes = new Map(); // by symbol, the newest press that closed or reversed a position
    this.parts = buildForm({
      symbol: (symbol, byLeaving) => this.pick(symbol, byLeaving),
      edit: () => this.edit(),
      unit: (unit) => this.change({ unit }),
      mode: (mode) => this.change({ mode }, mode === "price"),
      press: (side, at) => this.press(side, at),
      close: () => this.trade(1, "Close"),
      reverse: () => this.trade(2, "Reverse"),
      flatten: () => this.flatten(),
    });
    this.view = new View(this.parts, (size) => this.size(size));
    this.root = this.parts.root;
  }

  get question() {
    return this.parts.question;
  }

  // --- what the page says ------------------------------------------------------------------------------------------------

  hear(facts, emit) {
    this.drawn(emit);
    if (this.refusal === LEAVING && !this.isLeaving) this.refusal = "";
    this.outbox.unknownAfter = facts.unknown_after_ms;
    const back = this.outbox.take(facts.answers);
    // Feed and ticket come on ways of their own: the older one says nothing about prices any more.
    if (orders.isNewer(facts, this.facts)) {
      [this.facts, this.heardAt] = [facts, performance.now()];
      this.parts.symbol.setSymbols(facts.symbols);
      this.follow();
    }
    this.render();
    for (const entry of back) this.askAgain(entry);
  }

  /** The page's symbol counts, unless it does not know of our newest choice yet. */
  follow() {
    const knows = this.picks === 0 || (this.facts.pick?.by === this.id && this.facts.pick.count >= this.picks);
    if (!knows) {
      if (performance.now() - this.announcedAt > 500) this.send();
    } else if (this.facts.selected && this.facts.selected !== this.symbol) {
      this.setSymbol(this.facts.selected, true);
    }
  }

  /** The facts with the ages of prices as of now. */
  get now() {
    const quote = this.facts.quote;
    if (!quote || quote.age_ms === null) return this.facts;
    const bid_ask_age_ms = (quote.bid_ask_age_ms ?? 0) + this.silence;
    return { ...this.facts, quote: { ...quote, age_ms: quote.age_ms + this.silence, bid_ask_age_ms } };
  }

  // --- what the person does ----------------------------------------------------------------------------------------------

  pick(symbol, byLeaving) {
    this.picks += 1;
    this.setSymbol(symbol, byLeaving);
    this.send();
    if (!byLeaving) this.parts.qty.focus();
  }

  /** Shows a symbol with what was typed for it. `unseen`: the eyes may still be on the one before. */
  setSymbol(symbol, unseen) {
    this.unseenUntil = unseen && this.symbol ? performance.now() + UNSEEN_MS : 0;
    this.symbol = symbol;
    this.parts.symbol.setValue(symbol);
    this.draft = { ...EMPTY, ...this.kept[symbol] };
    this.refusal = "";
    this.parts.qty.value = this.draft.qty;
    this.parts.price.value = this.draft.price;
    this.render();
  }

  size(size) {
    this.parts.qty.value = size;
    this.edit();
  }

  edit() {
    this.change({ qty: this.parts.qty.value, price: this.parts.price.value });
  }

  change(what, goToPrice = false) {
    Object.assign(this.draft, what);
    this.unseenUntil = 0;
    this.kept = { ...this.kept, [this.symbol]: this.draft };
    this.drafts.save(this.kept);
    this.refusal = "";
    this.render();
    if (goToPrice) this.parts.price.focus();
  }

  onKey(event) {
    const { isOurs, action } = this.keys.down(event);
    if (!isOurs) return;
    event.preventDefault();
    if (action && !isAsking()) this.press(action, event.timeStamp);
  }

  /** What is in the fields right now. */
  get form() {
    return { ...this.draft, qty: this.parts.qty.value, price: this.parts.price.value, symbol: this.parts.symbol.chosen && this.symbol };
  }

  /** @param {number} at when it was pressed: a busy browser comes to the second half of a double press late */
  press(side, at) {
    const facts = this.now;
    const read = orders.readTicket(this.form, side, facts);
    const refusal = read.refusal ?? this.absence() ?? orders.limitRefusal(read.order, facts);
    if (refusal) {
      this.refuse(refusal, read.field);
      return;
    }
    const asked = facts.kill_switch ? [] : orders.questions(read.order, facts); // engaged, the desk refuses it anyway
    if (asked.length) this.ask("Send this order?", [read.order], asked);
    else this.placeOnce(read.order, at);
  }

  /** What was only asked about does not count as sent: who said no may press again at once. */
  placeOnce(order, at) {
    const before = this.pressed;
    this.pressed = new Press(orders.orderName(order), at, ORDER_TWICE_MS);
    if (before.is(this.pressed.what, at)) {
      this.refuse(`Sent once: it was pressed again within ${ORDER_TWICE_MS / 1_000} s. Press again for another order.`);
    } else this.place([order], false);
  }

  /** Why nothing can be sent now: what is known not to arrive is not sent at all. */
  absence() {
    if (performance.now() < this.unseenUntil) return `The symbol has just become ${this.symbol}: look at the quantity and press again.`;
    if (this.isLeaving) return LEAVING;
    return this.isSilent ? `Not sent: the page's server has not answered for ${span(this.silence)}. Nothing was traded.` : null;
  }

  refuse(text, field) {
    this.refusal = text;
    this.render();
    if (field) this.field(field).focus();
  }

  field(name) {
    return { symbol: this.parts.symbol.input, qty: this.parts.qty, price: this.parts.price }[name];
  }

  ask(title, frozen, lines, send = () => this.place(frozen, true)) {
    const names = frozen.slice(0, 8).map((order) => `${orders.orderName(order)}${order.price === null ? " at market" : ""}`);
    if (frozen.length > names.length) names.push(`… and ${frozen.length - names.length} more`);
    const yes = frozen.length > 1 ? `Send ${frozen.length} orders` : "Send order";
    this.question.ask({ title, lines: [...names, ...lines], yes }, send, this.parts.qty);
  }

  /** The page wants to have it asked about: a limit was passed between the last price here and the one there. */
  askAgain(entry) {
    if (this.question.isOpen) return;
    const again = () => {
      this.outbox.add({ ...entry.order, pressed_ms: this.serverMs(), confirmed: true }, entry.name, performance.now());
      this.send();
    };
    this.question.ask({ title: "Send this order?", lines: [entry.name, "The price has moved: it is above what is sent without asking."], yes: "Send order" }, again, this.parts.qty);
  }

  place(frozen, confirmed) {
    const absence = this.absence();
    if (absence) {
      this.refuse(absence);
      return;
    }
    this.refusal = "";
    const perSecond = Math.max(1, Math.floor(this.facts.limits?.per_s ?? Infinity));
    frozen.forEach((order, place) => this.putOut(order, confirmed, Math.floor(place / perSecond) * TURN_MS));
    this.send();
    this.render();
  }

  putOut(order, confirmed, waitMs) {
    const { side, symbol, qtyText: qty, priceText: price } = order;
    const pressed = { id: crypto.randomUUID(), side, symbol, qty, price, confirmed, pressed_ms: this.serverMs() + waitMs };
    this.outbox.add(pressed, orders.orderName(order), performance.now() + waitMs);
  }

  /** The server's wall time, as far as it is known here: a little behind, so that an order seems older, never younger. */
  serverMs() {
    return this.facts.now_ms + this.silence;
  }

  trade(times, name) {
    const held = this.facts.positions.filter((one) => one.symbol === this.symbol);
    this.tradeAway(held, times, `${name} the position?`, times > 1);
  }

  flatten() {
    this.tradeAway(this.facts.positions, 1, "Flatten all positions?", true);
  }

  tradeAway(held, times, title, alwaysAsk) {
    const facts = this.now;
    const all = held.flatMap((one) => orders.ordersFor(one, times, facts));
    const known = all.filter((order) => order.symbol === facts.quote?.symbol);
    const lines = [...new Set(known.flatMap((order) => orders.questions(order, facts)))];
    const absence = this.absence();
    if (absence || !all.length) this.refuse(absence ?? "There is no position.");
    else if (held.some((one) => this.isClosing(one))) this.refuse("Its order was sent just now, and the position has not changed yet. Look again in a moment.");
    else if (alwaysAsk || all.length > 1 || lines.length) this.ask(title, all, lines, () => this.placeAway(held, all));
    else this.placeAway(held, all);
  }

  /** Whether an order for just this position is on its way: closed twice it would be open on the other side. */
  isClosing(position) {
    return this.closes.get(position.symbol)?.is(position.qty, performance.now()) ?? false;
  }

  placeAway(held, all) {
    for (const { symbol, qty } of held) this.closes.set(symbol, new Press(qty, performance.now(), POSITION_TWICE_MS));
    this.place(all, true);
  }

  // --- what goes out and comes back ----------------------------------------------------------------------------------------

  /** One event holds the choice of symbol and all unanswered orders: a later one replaces an earlier one on its way. */
  send() {
    if (this.isLeaving) return;
    this.announcedAt = performance.now();
    this.emit?.({ by: this.id, count: this.picks, symbol: this.symbol, orders: this.outbox.message(performance.now()) });
  }

  tick() {
    const now = performance.now();
    if (this.emit && this.outbox.isDue(now)) this.send();
    // Without a word of the page nothing else redraws it; and ages go on.
    if (this.outbox.isWaiting(now) || this.silence > 1_000) this.render();
  }

  render() {
    this.view.render({
      facts: this.now,
      symbol: this.symbol,
      draft: this.draft,
      form: this.form,
      refusal: this.refusal,
      silence: this.isSilent ? this.silence : null,
      lines: this.outbox.lines(performance.now(), SHOWN_ANSWERS),
    });
  }
}

export default stage(() => new Ticket(), "order");
