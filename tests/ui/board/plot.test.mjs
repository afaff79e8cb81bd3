// Axes have round numbers, prices six digits at any size, and clocks are those of the zone that was chosen.

import assert from "node:assert/strict";
import { test } from "node:test";

import { clock, number, short, ticks, timeTicks } from "../../../services/ui/src/telemetry_ui/assets/plot.js";
import { escape } from "../../../services/ui/src/telemetry_ui/assets/text.js";

test("ticks are round, inside their ends, and not far from as many as asked for", () => {
  for (const [low, high] of [[0, 1], [60_990, 61_013], [4.1e-9, 4.3e-9], [1.5e9, 1.7e9], [-3, 5], [4.2067e-9, 4.2094e-9], [4.2085e-9, 4.20852e-9]]) {
    const { values, digits } = ticks(low, high, 5);
    assert.ok(values.length >= 2 && values.length <= 6, `${values}`);
    assert.ok(values.every((value) => value >= low - 1e-12 && value <= high * (1 + 1e-12)), `${values}`);
    assert.equal(new Set(values.map((value) => number(value, digits))).size, values.length);
  }
});

test("ticks come to an end where the numbers are so large that few lie between them", () => {
  for (const [low, high] of [[1e17, 1e17 + 16], [-1e17 - 16, -1e17], [1e300, 1.0000000000000002e300], [2 ** 53, 2 ** 53 + 2]]) {
    const { values } = ticks(low, high, 5);
    assert.ok(values.length >= 1 && values.length <= 6, `${values}`);
    assert.equal(new Set(values).size, values.length);
  }
  for (const [low, high] of [[-1.7e308, 1.7e308], [0, 5e-324], [0, 1e-320]]) {
    const { values, digits } = ticks(low, high, 5);
    assert.ok(values.length >= 1 && values.length <= 6, `${values}`);
    assert.ok(digits >= 0, `${digits}`);
  }
});

test("the zero of an axis has no minus", () => {
  const { values, digits } = ticks(-0.7, 14, 3);
  assert.ok(values.map((value) => number(value, digits)).includes("0"), `${values}`);
});

test("ticks have the decimals that tell them apart", () => {
  const { values, digits } = ticks(100, 100.5, 5);
  assert.deepEqual(values.map((value) => number(value, digits)), ["100.0", "100.1", "100.2", "100.3", "100.4", "100.5"]);
});

test("ticks of time are at whole steps, however long the span", () => {
  for (const span of [8, 60, 300, 3600, 86_400, 864_000]) {
    const { values, step } = timeTicks(1_700_000_003, 1_700_000_003 + span, 6);
    assert.ok(values.every((at) => at % step === 0));
    assert.ok(values.length <= 12, `${values.length}`);
  }
});

test("numbers have thousands, a true minus and as many decimals as asked for", () => {
  assert.equal(number(-1_234.5, 2), "−1,234.50");
  assert.equal(number(0, 0), "0");
  assert.deepEqual([number(-0, 0), number(-0.001, 2), number(-0.006, 2)], ["0", "0.00", "−0.01"]);
});

test("prices keep their digits at any size", () => {
  assert.deepEqual([1.6e9, 61_234.5, 12.3456, 0.012345, 4.2e-9, 0].map((value) => short(value)), [
    "1,600,000,000",
    "61,235",
    "12.35",
    "0.01235",
    "0.000000004200",
    "0",
  ]);
});

test("a clock is that of its zone, with or without seconds", () => {
  assert.equal(clock(1_700_000_000, "UTC"), "22:13:20");
  assert.equal(clock(1_700_000_000, "Asia/Kolkata", false), "03:43");
});

test("no text of a sender becomes HTML", () => {
  assert.equal(escape(`<b class="x">&'`), "&#60;b class=&#34;x&#34;&#62;&#38;&#39;");
  assert.equal(escape(5), "5");
});
