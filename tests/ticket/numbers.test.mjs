// Numbers as people type them: the cases are those of the server, in numbers.json.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { WORDS, grouped, money, plain, price, readNumber, roundDown, span } from "../../libs/ticket/src/telemetry_ticket/assets/numbers.js";

const CASES = JSON.parse(readFileSync(new URL("numbers.json", import.meta.url), "utf8"));

for (const { typed, value, text, error } of CASES) {
  test(`“${typed}” is ${error ?? value}`, () => {
    assert.deepEqual(readNumber(typed), error ? { error } : { value, text });
  });
}

test("every refusal has words", () => {
  for (const { error } of CASES) if (error) assert.ok(WORDS[error].length > 5);
});

test("a number that is written and read again is the same", () => {
  for (const value of [1e-9, 0.1 + 0.2, 1 / 3, 61_014.25, 123_456_789.012345, 1e9]) {
    assert.equal(readNumber(plain(value)).value, value);
  }
});

test("numbers for reading have thousands marks and no exponent, whatever the browser's language", () => {
  assert.equal(grouped(1e-9), "0.000000001");
  assert.equal(grouped(1234567.5), "1,234,567.5");
});

test("a price has six significant digits at any size, and cents from a thousand on", () => {
  assert.equal(price(61_014.254), "61,014.25");
  assert.equal(price(149.95), "149.950");
  assert.equal(price(0.00000123), "0.00000123000");
  assert.equal(price(null), "–");
});

test("an amount below one keeps its digits", () => {
  assert.equal(money(0), "0.00");
  assert.equal(money(0.00012345), "0.0001235");
  assert.equal(money(15_250), "15,250.00");
});

test("what is rounded down is never more", () => {
  assert.equal(roundDown(0.0163999, 3), 0.0163);
  for (const value of [1e-9, 0.1, 2 / 3, 999.9999, 1e9 / 7]) {
    const rounded = roundDown(value, 8);
    assert.ok(rounded <= value && rounded > value * (1 - 1e-6), `${rounded} of ${value}`);
  }
});

test("a span has the unit that a person reads", () => {
  assert.deepEqual([500, 12_000, 600_000, 5_400_000].map((ms) => span(ms)), ["0.5 s", "12 s", "10 min", "1 h 30 min"]);
});
