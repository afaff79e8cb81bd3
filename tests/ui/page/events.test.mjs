// Clicks of a board on their way to Python.
import assert from "node:assert/strict";
import test from "node:test";

import { Events } from "../../../services/ui/src/telemetry_ui/assets/events.js";

class Anchor {}
globalThis.HTMLAnchorElement = Anchor;

/** A browser of which only the clock, the address and the listeners are looked at. */
function browser(t) {
  const heard = {};
  const on = (name, listener) => (heard[name] = listener);
  const state = { nowMs: 0, sent: [], click: (path) => heard.click({ composedPath: () => path }), back: () => heard.popstate() };
  globalThis.document = { addEventListener: on };
  globalThis.window = { addEventListener: on };
  globalThis.location = { origin: "http://desk", pathname: "/trade" };
  t.mock.method(performance, "now", () => state.nowMs);
  state.events = new Events("b");
  state.events.emit = (message) => state.sent.push(message.events);
  return state;
}

function link(pathname) {
  return Object.assign(new Anchor(), { href: `http://desk${pathname}`, origin: "http://desk", pathname, target: "" });
}

test("each message holds all clicks that were not heard", (t) => {
  const { events, sent } = browser(t);
  events.send("pin", "A");
  events.send("pin", "B");
  events.heard(["b", 1]);
  events.send("pin", "C");
  assert.deepEqual(sent.at(-1), [[2, "pin", "B"], [3, "pin", "C"]]);
  events.heard(["other", 3]);
  assert.equal(events.waiting.length, 2);
});

test("a click without an answer is sent again, and given up after five seconds", (t) => {
  const state = browser(t);
  state.events.send("pin", "A");
  for (state.nowMs = 500; state.nowMs < 20_000; state.nowMs += 500) state.events.sendAgain(state.nowMs);
  assert.equal(state.sent.length, 4);
  assert.deepEqual(state.events.waiting, []);
});

test("nothing is sent while another page is being opened", (t) => {
  const state = browser(t);
  state.nowMs = 10_000;
  for (const leave of [() => state.click([link("/pipeline")]), () => state.back()]) {
    leave();
    state.events.send("pin", "A");
    state.events.sendAgain(state.nowMs + 1);
    assert.deepEqual(state.sent, []);
    state.nowMs += 2_000;
  }
  state.click([link("/trade")]);
  state.events.send("pin", "A");
  assert.equal(state.sent.length, 1);
});

test("what waits is bounded", (t) => {
  const { events } = browser(t);
  for (let i = 0; i < 500; i += 1) events.send("pin", String(i));
  assert.equal(events.waiting.length, 50);
  assert.equal(events.waiting.at(-1).value, "499");
});
