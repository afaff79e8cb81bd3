// From the ticket to an order: what is refused in words, what is asked about, what is sent.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as orders from "../../libs/ticket/src/telemetry_ticket/assets/orders.js";

const FORM = { symbol: "BTC-USD", qty: "0.25", unit: "base", mode: "market", price: "" };
const FACTS = {
  quote: { symbol: "BTC-USD", last: 60_000, bid: null, ask: null, age_ms: 100 },
  limits: { max_qty: 100, max_notional: 250_000, band_ratio: 0.05, per_s: 10 },
  ask_above: 50_000,
  ask_age_ms: 30_000,
};

const read = (form, facts = FACTS) => orders.readTicket({ ...FORM, ...form }, "buy", facts);

test("what is on the ticket is what is in the order", () => {
  assert.deepEqual(read({ qty: "0,5", mode: "price", price: "59 000".replace(" ", "") }).order, {
    side: "buy",
    symbol: "BTC-USD",
    qty: 0.5,
    qtyText: "0.5",
    price: 59_000,
    priceText: "59000",
  });
});

test("a price that is typed and not chosen is not sent", () => {
  assert.equal(read({ price: "59000" }).order.price, null);
});

for (const [form, field, words] of [
  [{ symbol: "" }, "symbol", /Choose a symbol/],
  [{ qty: "" }, "qty", /Enter a quantity/],
  [{ qty: "abc" }, "qty", /“abc” is not a number/],
  [{ qty: "1e5" }, "qty", /exponent/],
  [{ qty: "1.000,5" }, "qty", /thousands marks/],
  [{ qty: "0" }, "qty", /above 0/],
  [{ mode: "price" }, "price", /Enter the limit price/],
  [{ mode: "price", price: "x" }, "price", /Price “x”/],
]) {
  test(`${JSON.stringify(form)} is refused in words and leads to its field`, () => {
    const { refusal, field: leadsTo } = read(form);
    assert.match(refusal, words);
    assert.equal(leadsTo, field);
  });
}

test("a size in quote currency becomes one in base that is worth no more", () => {
  const { order } = read({ qty: "1000", unit: "quote" });
  assert.equal(order.qtyText, "0.016666666");
  assert.ok(orders.worth(order, FACTS) <= 1_000);
  assert.equal(read({ qty: "1000", unit: "quote", mode: "price", price: "50000" }).order.qtyText, "0.02");
});

test("a size in quote currency needs a price of this very symbol", () => {
  assert.match(read({ symbol: "ETH-USD", qty: "1000", unit: "quote" }).refusal, /give the quantity in ETH/);
});

test("a known limit refuses with the number to use", () => {
  const refusal = (form) => orders.limitRefusal(read(form).order, FACTS);
  assert.match(refusal({ qty: "101" }), /Quantity 101 is above the limit of 100: send less/);
  assert.match(refusal({ qty: "5" }), /above the limit of 250,000.00: send at most 4.16666/);
  assert.match(refusal({ mode: "price", price: "70000" }), /use 57,000.00 to 63,000.00/);
  assert.equal(refusal({ qty: "4.1" }), null);
  assert.equal(orders.limitRefusal(read({ qty: "101" }).order, { ...FACTS, limits: null }), null);
});

test("the size that a refusal names is not refused", () => {
  const most = /at most ([0-9.]*[0-9])/.exec(orders.limitRefusal(read({ qty: "5" }).order, FACTS))[1];
  assert.equal(orders.limitRefusal(read({ qty: most }).order, FACTS), null);
});

test("a large order, one of unknown worth and one on an old price are asked about", () => {
  const asked = (form, facts = FACTS) => orders.questions(read(form, facts).order, facts);
  assert.deepEqual(asked({}), []);
  assert.match(asked({ qty: "1" })[0], /worth 60,000.00, more than the 50,000.00/);
  assert.match(asked({ symbol: "ETH-USD" })[0], /No price of ETH-USD is known/);
  const old = { ...FACTS, quote: { ...FACTS.quote, age_ms: 600_000 } };
  assert.match(asked({}, old)[0], /10 min old. A market order fills at it all the same/);
  assert.deepEqual(asked({}, { ...FACTS, quote: { ...FACTS.quote, age_ms: null } }), []);
});

test("bid and ask are shown where they are known, with their age once they are old", () => {
  const quote = FACTS.quote;
  assert.equal(orders.priceLine(null), "Last –");
  assert.equal(orders.priceLine(quote), "Last 60,000.00");
  assert.equal(orders.priceLine({ ...quote, age_ms: 3_000 }), "Last 60,000.00 (3.0 s old)");
  const both = { ...quote, bid: 59_999.5, ask: 60_000.5, bid_ask_age_ms: 4_999 };
  assert.equal(orders.priceLine(both), "Last 60,000.00 · Bid 59,999.50 · Ask 60,000.50");
  assert.equal(orders.priceLine({ ...both, bid_ask_age_ms: 65_000 }), "Last 60,000.00 · Bid 59,999.50 · Ask 60,000.50 (1 min old)");
  assert.equal(orders.priceLine({ ...both, bid: 0, ask: 0, bid_ask_age_ms: null }), "Last 60,000.00 · Bid 0.00000 · Ask 0.00000");
});

const note = (price) => orders.priceNote(read({ mode: "price", price }).order, FACTS);

test("a limit price says which side rests and which fills at once, and how far it is from the market", () => {
  assert.equal(note("57240"), "4.6 % below the last price: a buy rests until a trade goes through it, a sell fills at once at the last price.");
  assert.equal(note("60600"), "1.0 % above the last price: a sell rests until a trade goes through it, a buy fills at once at the last price.");
  assert.equal(note("60000"), "At the last price: it fills at once.");
  const below = { ...FACTS, quote: { ...FACTS.quote, last: -37.63 } };
  assert.match(orders.priceNote(read({ mode: "price", price: "1" }, below).order, below), /^above the last price: a sell rests/);
});

test("a ticket without a readable order, of a symbol without prices, says what it can", () => {
  const none = { ...FACTS, quote: null };
  assert.match(orders.priceNote(undefined, none), /^It rests at the desk until/);
  assert.equal(orders.lastPrice(undefined, none), null);
  assert.equal(orders.isOld(undefined, none), false);
  assert.equal(orders.isOld("BTC-USD", none), false);
});

test("without a last price, or a price, the limit says what resting means", () => {
  for (const [form, facts] of [[{ price: "59000" }, { ...FACTS, quote: null }], [{ price: "" }, FACTS]]) {
    assert.match(orders.priceNote(read({ mode: "price", ...form }, facts).order, facts), /^It rests at the desk until/);
  }
});

test("sizes to choose from are about as much in base as in quote, and within the limits", () => {
  assert.deepEqual(orders.presets("base", 61_000, FACTS.limits), ["0.002", "0.02", "0.08", "0.2"]);
  assert.deepEqual(orders.presets("base", 0.00000123, FACTS.limits), []);
  assert.deepEqual(orders.presets("quote", null, { max_notional: 2_000 }), ["100", "1000"]);
  assert.deepEqual(orders.presets("base", null, FACTS.limits), []);
});

test("a price of 0 or below, as futures and spreads have, sizes nothing and is worth its amount", () => {
  const below = { ...FACTS, quote: { ...FACTS.quote, last: -37.63 } };
  assert.match(read({ qty: "1000", unit: "quote" }, below).refusal, /above 0/);
  assert.equal(orders.worth(read({ qty: "2" }, below).order, below), 75.26);
  assert.deepEqual(orders.presets("base", 0, FACTS.limits), []);
  assert.equal(orders.ordersFor({ symbol: "CL", qty: "5", last: -37.63 }, 1, below).length, 1);
});

test("closing sends exactly the position, reversing twice as much", () => {
  const long = { symbol: "BTC-USD", qty: "0.30000000000000004", last: 60_000 };
  const [close] = orders.ordersFor(long, 1, FACTS);
  assert.deepEqual([close.side, Number(close.qtyText)], ["sell", 0.30000000000000004]);
  const [reverse] = orders.ordersFor({ ...long, qty: "-0.5" }, 2, FACTS);
  assert.deepEqual([reverse.side, reverse.qtyText], ["buy", "1"]);
  assert.deepEqual(orders.ordersFor({ ...long, qty: "0" }, 1, FACTS), []);
});

test("a position above the limits is closed in parts that leave nothing", () => {
  const parts = orders.ordersFor({ symbol: "SOL-USD", qty: "250.7", last: 150 }, 1, FACTS);
  assert.equal(parts.length, 3);
  assert.ok(parts.every((order) => order.qty <= 100));
  assert.equal(parts.reduce((rest, order) => rest - order.qty, 250.7), 0);
  const worth = orders.ordersFor({ symbol: "BTC-USD", qty: "20", last: 60_000 }, 1, FACTS);
  assert.ok(worth.every((order) => order.qty * 60_000 <= 250_000));
});

test("currencies come from the symbol, where it has them", () => {
  assert.deepEqual(orders.currencies("BTC-USD"), { base: "BTC", quote: "USD" });
  assert.deepEqual(orders.currencies("BTC/USDT"), { base: "BTC", quote: "USDT" });
  assert.deepEqual(orders.currencies("BTCUSDT"), { base: "units", quote: "quote" });
  assert.deepEqual(orders.currencies(null), { base: "units", quote: "quote" });
});

test("an order is named by what was typed", () => {
  assert.equal(orders.orderName(read({ qty: "0,50", mode: "price", price: "59000,5" }).order), "BUY 0.5 BTC-USD at 59000.5");
});

test("of facts that come on two ways the newer ones count, whatever the wall clock says", () => {
  const known = { steady_ms: 1_000_000, now_ms: 5_000 };
  assert.ok(orders.isNewer({ steady_ms: 1_000_000, now_ms: 5_000 }, known));
  assert.ok(orders.isNewer({ steady_ms: 1_000_100, now_ms: 5_000 - 3_600_000 }, known), "the clock was set back");
  assert.ok(!orders.isNewer({ steady_ms: 999_900, now_ms: 5_000 + 3_600_000 }, known));
  assert.ok(orders.isNewer({ steady_ms: 10, now_ms: 6_000 }, known), "the machine was started anew");
});
