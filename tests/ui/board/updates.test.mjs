// An update is drawn if it is whole or follows the one before; after a gap the whole is asked for.

import assert from "node:assert/strict";
import { test } from "node:test";

import { standing } from "../../../services/ui/src/telemetry_ui/assets/updates.js";

const NOTHING = { run: null, number: 0 };
const DRAWN = { run: "a", number: 7 };
const update = (run, number, whole = false) => ({ run, number, whole });

test("a whole update is drawn whatever was before", () => {
  for (const drawn of [NOTHING, DRAWN]) {
    for (const one of [update("a", 8, true), update("b", 1, true), update("a", 30, true), update("a", 3, true)]) assert.equal(standing(drawn, one), "next");
  }
});

test("changes are drawn if they follow the last update of their run", () => {
  assert.equal(standing(DRAWN, update("a", 8)), "next");
});

test("a lost update, one of another run, an old one and one before any whole are gaps", () => {
  for (const one of [update("a", 9), update("b", 8), update("b", 7), update("a", 6)]) assert.equal(standing(DRAWN, one), "gap");
  assert.equal(standing(NOTHING, update("a", 1)), "gap");
});

test("the update that is drawn already comes again when the theme changes", () => {
  assert.equal(standing(DRAWN, update("a", 7)), "same");
  assert.equal(standing(DRAWN, update("a", 7, true)), "same");
});
