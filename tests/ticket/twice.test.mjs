// The same press twice at once is one order; a later one, or one for anything else, is an order of its own.

import assert from "node:assert/strict";
import { test } from "node:test";

import { ORDER_TWICE_MS, Press } from "../../libs/ticket/src/telemetry_ticket/assets/twice.js";

const BUY = "BUY 1 BTC-USD";

test("the same press at once is a repeat, and a moment later it is not", () => {
  const press = new Press(BUY, 1_000, ORDER_TWICE_MS);
  assert.equal(press.is(BUY, 1_000), true);
  assert.equal(press.is(BUY, 1_000 + ORDER_TWICE_MS - 1), true);
  assert.equal(press.is(BUY, 1_000 + ORDER_TWICE_MS), false);
});

test("another side, quantity or symbol is another order, however soon", () => {
  const press = new Press(BUY, 1_000, ORDER_TWICE_MS);
  for (const what of ["SELL 1 BTC-USD", "BUY 2 BTC-USD", "BUY 1 ETH-USD"]) assert.equal(press.is(what, 1_000), false);
});

test("before the first press nothing is a repeat", () => {
  assert.equal(new Press(null, -Infinity, ORDER_TWICE_MS).is(BUY, 0), false);
});
