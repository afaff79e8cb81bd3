// What is pressed after a click on a link is for no page: neither for the one that goes nor for the one that comes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Navigation } from "../../libs/ticket/src/telemetry_ticket/assets/navigation.js";
import { Stay, isAddressOf } from "../../libs/ticket/src/telemetry_ticket/assets/stay.js";

function tab() {
  const ofTab = new Navigation();
  return [ofTab, new Stay(ofTab)];
}

test("a component leaves from the click on until it is drawn under another address", () => {
  const [ofTab, stay] = tab();
  assert.equal(stay.isLeaving(0), false);
  ofTab.begin("/trade", 1_000);
  assert.equal(stay.isLeaving(1_100), true);
  stay.drawn("/trade", 1_100, false);
  assert.equal(stay.isLeaving(1_100), true);
  stay.drawn("/", 1_200, false);
  assert.equal(stay.isLeaving(1_200), false);
});

test("one that is mounted after the click is of the page that goes, the first time and the second", () => {
  const ofTab = new Navigation();
  ofTab.begin("/trade", 1_000);
  const made = new Stay(ofTab);
  made.drawn("/trade", 1_010, true);
  assert.equal(made.isLeaving(1_010), true);
  made.drawn("/", 1_050, true);
  ofTab.begin("/trade", 2_000);
  made.drawn("/trade", 2_010, true);
  assert.equal(made.isLeaving(2_010), true);
});

test("one component of the next page settles nothing for another one", () => {
  const ofTab = new Navigation();
  const [first, second] = [new Stay(ofTab), new Stay(ofTab)];
  ofTab.begin("/trade", 1_000);
  first.drawn("/", 1_100, false);
  assert.deepEqual([first.isLeaving(1_100), second.isLeaving(1_100)], [false, true]);
});

test("a link that led nowhere is forgotten when the server speaks again, not before", () => {
  const [ofTab, stay] = tab();
  ofTab.begin("/trade", 1_000);
  assert.equal(stay.isLeaving(1_400), true);
  assert.equal(stay.isLeaving(2_499), true);
  assert.equal(stay.isLeaving(2_500), false);
});

test("after Back the address has changed already: only what comes then, or is drawn later, is of the new page", () => {
  const [ofTab, stay] = tab();
  ofTab.begin(null, 1_000);
  stay.drawn("/trade", 1_010, false);
  assert.equal(stay.isLeaving(1_010), true);
  stay.drawn("/trade", 1_151, false);
  assert.equal(stay.isLeaving(1_151), false);
  ofTab.begin(null, 2_000);
  stay.drawn("/trade", 2_010, true);
  assert.equal(stay.isLeaving(2_010), false);
});

test("a page is known by the last part of its address", () => {
  for (const path of ["/trade", "/trade/", "/desk/telemetry/trade"]) assert.equal(isAddressOf("trade", path), true);
  for (const path of ["/", "", "/pipeline", "/trade/x", "/untrade"]) assert.equal(isAddressOf("trade", path), false);
});
