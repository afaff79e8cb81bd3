// Clicks of a board on their way to Python.
import assert from "node:assert/strict";
import test from "node:test";

import { Events } from "../../../services/ui/src/telemetry_ui/assets/events.js";
import { Leaving } from "../../../services/ui/src/telemetry_ui/assets/leaving.js";

class Anchor {}
globalThis.HTMLAnchorElement = Anchor;

/** A browser of which only the clock, the address and the listeners are looked at. */
function browser(t) {
  const heard = {};
  const on = (name, listener) => (heard[name] = listener);
  globalThis.document = { addEventListener: on };
  globalThis.window = { addEventListener: on };
  globalThis.location = { origin: "http://desk", pathname: "/trade" };
  const state = { nowMs: 0, sent: [], tab: new Leaving().listen() };
  t.mock.method(performance, "now", () => state.nowMs);
  state.click = (path, keys = {}) => heard.click({ composedPath: () => path, ...keys });
  state.back = () => heard.popstate();
  state.makeBoard = () => {
    const events = new Events("b", state.tab);
    events.emit = (message) => state.sent.push(message.events);
    return events;
  };
  state.events = state.makeBoard();
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

test("nothing is sent while another page is being opened, however long the server takes", (t) => {
  const { events, sent, ...state } = browser(t);
  for (const leave of [() => state.click([link("/pipeline")]), () => state.back()]) {
    leave();
    for (let nowMs = 0; nowMs < 20_000; nowMs += 500) {
      events.send("pin", "A");
      events.sendAgain(nowMs);
    }
    assert.deepEqual(sent, []);
  }
});

test("what was clicked before a link is not sent again while the page is being left", (t) => {
  const state = browser(t);
  state.events.send("pin", "A");
  state.click([link("/pipeline")]);
  for (state.nowMs = 500; state.nowMs < 4_000; state.nowMs += 500) state.events.sendAgain(state.nowMs);
  assert.equal(state.sent.length, 1);
});

test("a page that was drawn whole at the address that was asked for sends at once", (t) => {
  const state = browser(t);
  state.click([link("/pipeline")]);
  state.events.drawn(true); // of the page that goes
  location.pathname = "/pipeline";
  state.events.drawn(false);
  state.events.send("pin", "A");
  assert.deepEqual(state.sent, []);
  const next = state.makeBoard();
  next.drawn(true);
  next.send("pin", "A");
  assert.equal(state.sent.length, 1);
});

test("a board that comes after the click that leaves its page sends nothing", (t) => {
  const state = browser(t);
  state.click([link("/studies")]);
  location.pathname = "/studies";
  state.click([link("/market")]);
  const late = state.makeBoard();
  late.drawn(true);
  late.send("pin", "A");
  assert.deepEqual(state.sent, []);
});

test("the page that one has gone back to sends as soon as it was drawn", (t) => {
  const state = browser(t);
  state.back();
  state.events.send("pin", "A");
  assert.deepEqual(state.sent, []);
  state.events.drawn(true);
  state.events.send("pin", "A");
  assert.equal(state.sent.length, 1);
});

test("a link that led nowhere, to the same page, or to another tab holds nothing up", (t) => {
  const state = browser(t);
  state.click([link("/pipeline")]);
  state.nowMs = 2_000;
  state.events.drawn(false);
  state.events.send("pin", "A");
  assert.equal(state.sent.length, 1);
  state.click([link("/trade")]);
  state.click([link("/pipeline")], { ctrlKey: true });
  state.click([Object.assign(link("/pipeline"), { target: "_blank" })]);
  state.events.send("pin", "B");
  assert.equal(state.sent.length, 2);
});

test("what waits is bounded", (t) => {
  const { events } = browser(t);
  for (let i = 0; i < 500; i += 1) events.send("pin", String(i));
  assert.equal(events.waiting.length, 50);
  assert.equal(events.waiting.at(-1).value, "499");
});
