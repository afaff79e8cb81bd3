// Orders that are not answered: all of them in every message, asked about after two seconds, never sent by a reload.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Outbox, RESEND_MS, UNKNOWN_AFTER_MS } from "../../libs/ticket/src/telemetry_ticket/assets/outbox.js";

class Store {
  kept = [];
  load() {
    return this.kept;
  }
  save(entries) {
    this.kept = JSON.parse(JSON.stringify(entries));
  }
}

const DONE = { text: "applied", tone: "good", final: true };
const box = (store = new Store(), now = 0) => new Outbox(store, now);
const ids = (message) => message.map(({ id }) => id);

test("every message holds all orders without a final answer", () => {
  const outbox = box();
  outbox.add({ id: "a" }, "A", 0);
  assert.deepEqual(outbox.message(0), [{ id: "a", ask: false }]);
  outbox.add({ id: "b" }, "B", 10);
  assert.deepEqual(ids(outbox.message(10)), ["a", "b"]);
  outbox.take({ a: DONE });
  assert.deepEqual(ids(outbox.message(20)), ["b"]);
});

test("an order is repeated every 200 ms until it is answered, and then no more", () => {
  const outbox = box();
  outbox.add({ id: "a" }, "A", 0);
  assert.ok(outbox.isDue(0));
  outbox.message(0);
  assert.ok(!outbox.isDue(RESEND_MS - 1));
  assert.ok(outbox.isDue(RESEND_MS));
  outbox.take({ a: DONE });
  assert.ok(!outbox.isDue(10_000));
  assert.ok(!outbox.isWaiting(10_000));
});

test("after two seconds without a word it says that it does not know, and only asks", () => {
  const outbox = box();
  outbox.add({ id: "a" }, "A", 0);
  outbox.message(UNKNOWN_AFTER_MS - 1);
  assert.match(outbox.lines(UNKNOWN_AFTER_MS - 1, 1)[0].text, /sending/);
  assert.match(outbox.lines(UNKNOWN_AFTER_MS, 1)[0].text, /may or may not have been sent/);
  assert.deepEqual(outbox.message(UNKNOWN_AFTER_MS), [{ id: "a", ask: true }]);
  assert.ok(!outbox.isDue(UNKNOWN_AFTER_MS + 999));
  assert.ok(outbox.isDue(UNKNOWN_AFTER_MS + 1_000));
  assert.ok(!outbox.isDue(60_000), "a minute is enough");
});

test("how long it waits for a word is what the page says", () => {
  const outbox = box();
  outbox.unknownAfter = 7_000;
  outbox.add({ id: "a" }, "A", 0);
  assert.deepEqual(outbox.message(6_999), [{ id: "a", ask: false }]);
  assert.match(outbox.lines(6_999, 1)[0].text, /sending/);
  assert.deepEqual(outbox.message(7_000), [{ id: "a", ask: true }]);
  assert.match(outbox.lines(7_000, 1)[0].text, /may or may not have been sent/);
});

test("an answer that is not the last one is shown, and asked about further", () => {
  const outbox = box();
  outbox.add({ id: "a" }, "A", 0);
  outbox.message(0);
  outbox.take({ a: { text: "filled", tone: "good", final: false } });
  assert.equal(outbox.lines(0, 1)[0].text, "filled");
  assert.ok(outbox.isDue(RESEND_MS));
  outbox.take({ a: DONE });
  outbox.take({ a: { text: "filled", tone: "good", final: false } });
  assert.equal(outbox.lines(0, 1)[0].text, "applied", "a final answer stays");
});

test("after a reload what was unanswered is asked about, never sent", () => {
  const store = new Store();
  const before = box(store);
  before.add({ id: "a" }, "A", 0);
  before.add({ id: "b" }, "B", 0);
  before.message(0);
  before.take({ a: DONE });
  const after = box(store, 5);
  assert.deepEqual(after.message(5), [{ id: "b", ask: true }]);
  assert.match(after.lines(5, 1)[0].text, /may or may not/);
  after.take({ b: DONE });
  assert.deepEqual(box(store).message(9), []);
});

test("an order that waits its turn is not sent before", () => {
  const outbox = box();
  outbox.add({ id: "a" }, "A", 1_100);
  assert.deepEqual(outbox.message(1_099), []);
  assert.ok(outbox.isWaiting(0));
  assert.ok(outbox.isDue(1_100));
  assert.deepEqual(ids(outbox.message(1_100)), ["a"]);
});

test("an order that the page wants asked about comes back and is not repeated", () => {
  const outbox = box();
  outbox.add({ id: "a" }, "A", 0);
  const [back] = outbox.take({ a: { text: "", tone: "warn", final: true, confirm: true } });
  assert.equal(back.order.id, "a");
  assert.deepEqual(outbox.message(300), []);
});

test("answers to orders of others change nothing, and what is kept is bounded", () => {
  const outbox = box();
  outbox.take({ z: DONE });
  for (let i = 0; i < 500; i += 1) outbox.add({ id: String(i) }, "", 0);
  assert.equal(outbox.message(0).length, 200);
  assert.equal(outbox.lines(0, 4).length, 4);
  assert.equal(outbox.lines(0, 4)[0].id, "499");
});
