// Of the bars only those that have changed are sent: what is older is kept, and leaves when its time has passed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Candles } from "../../../services/ui/src/telemetry_ui/assets/candles.js";

// Without the canvas: what is drawn needs a browser.
const candles = () => Object.assign(Object.create(Candles.prototype), { bars: [], view: null, plot: { box: { clientWidth: 0 } } });
const bars = (from, to) => Array.from({ length: to - from }, (_, i) => [from + i, 1, 2, 0.5, 1.5]);
const part = (from, list, end, more = {}) => ({ id: "BTC-USD 1m", from, bars: list, end, span: 60, step: 1, ...more });
const seconds = (chart) => chart.bars.map((bar) => bar[0]);

test("bars from the first that has changed replace those that were there", () => {
  const chart = candles();
  chart.merge(part(null, bars(100, 110), 109));
  chart.merge(part(109, [[109, 9, 9, 9, 9], [110, 1, 2, 0.5, 1.5]], 110));
  assert.deepEqual(seconds(chart), bars(100, 111).map((bar) => bar[0]));
  assert.equal(chart.bars[9][1], 9);
});

test("what is older than the chart is long leaves", () => {
  const chart = candles();
  chart.merge(part(null, bars(100, 160), 159));
  chart.merge(part(200, bars(200, 201), 200));
  assert.equal(seconds(chart)[0], 140);
});

test("a whole part forgets what was there, and another symbol the zoom too", () => {
  const chart = candles();
  chart.merge(part(null, bars(100, 110), 109));
  chart.view = [102, 106];
  chart.merge(part(null, bars(105, 112), 111));
  assert.deepEqual([seconds(chart)[0], chart.view], [105, [102, 106]]);
  chart.merge(part(null, bars(100, 110), 109, { id: "ETH-USD 1m" }));
  assert.equal(chart.view, null);
});

test("bars of another symbol are never added to those that are there", () => {
  const chart = candles();
  chart.merge(part(null, bars(100, 110), 109));
  chart.merge(part(108, bars(108, 110), 109, { id: "ETH-USD 1m" }));
  assert.deepEqual(seconds(chart), [108, 109]);
});

test("zoom has a least span and stays within the chart; all of it is no zoom", () => {
  const chart = candles();
  chart.merge(part(null, bars(100, 160), 159));
  for (let i = 0; i < 20; i += 1) chart.zoom(0.5, 0.5);
  assert.equal(Math.round(chart.view[1] - chart.view[0]), 8);
  chart.look(0, 10);
  assert.deepEqual(chart.view, [100, 110]);
  chart.look(500, 510);
  assert.deepEqual(chart.view, [150, 160]);
  for (let i = 0; i < 20; i += 1) chart.zoom(2, 0.5);
  assert.equal(chart.view, null);
});
