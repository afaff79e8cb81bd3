// A press is one order, however long the key is held, on any keyboard.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Keys } from "../../libs/ticket/src/telemetry_ticket/assets/keys.js";

const alt = (key, code, more = {}) => ({ key, code, altKey: true, ctrlKey: false, metaKey: false, shiftKey: false, repeat: false, ...more });
const B = alt("b", "KeyB");
const keys = () => new Keys({ b: "buy", s: "sell" });

test("a key that is held counts once, whether the browser marks repeats or not", () => {
  const held = keys();
  assert.equal(held.down(B).action, "buy");
  for (let i = 0; i < 30; i += 1) assert.equal(held.down({ ...B, repeat: i % 2 === 0 }).action, null);
  held.up(B);
  assert.equal(held.down(B).action, "buy");
});

test("a repeat that began elsewhere is no press", () => {
  assert.equal(keys().down({ ...B, repeat: true }).action, null);
});

test("two keys do not hold each other up", () => {
  const held = keys();
  held.down(B);
  assert.equal(held.down(alt("s", "KeyS")).action, "sell");
});

test("a window that was left arms its keys again", () => {
  const held = keys();
  held.down(B);
  held.reset();
  assert.equal(held.down(B).action, "buy");
});

test("other modifiers belong to others", () => {
  for (const other of ["ctrlKey", "metaKey", "shiftKey"]) assert.equal(keys().down({ ...B, [other]: true }).isOurs, false);
  assert.equal(keys().down({ ...B, altKey: false }).isOurs, false);
  assert.equal(keys().down({ ...B, getModifierState: (name) => name === "AltGraph" }).isOurs, false);
});

test("the letter on the key counts; where it gives another sign, its place", () => {
  assert.equal(keys().down(alt("∫", "KeyB")).action, "buy"); // a Mac
  assert.equal(keys().down(alt("и", "KeyB")).action, "buy"); // a Russian layout
  assert.equal(keys().down(alt("b", "KeyN")).action, "buy"); // Dvorak
  assert.equal(keys().down(alt("x", "KeyB")).action, null);
});
