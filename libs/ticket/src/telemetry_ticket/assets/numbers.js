/**
 * Numbers as people type them and as the ticket shows them. Pure.
 *
 * The rules are those of numbers.py, which reads every number again on the server; tests/ticket/numbers.json holds both to
 * the same cases. They do not depend on the browser's language: what is typed means the same for everybody.
 */

const NUMBER = /^([0-9]*)(?:([.,])([0-9]+))?$/;
const MAX_CHARS = 40;
const EXACT_DIGITS = 17; // a float never needs more to be written exactly
const READ_DIGITS = 15;

export const WORDS = {
  empty: "is empty",
  exponent: "has an exponent: write the number out",
  thousands: "has several marks or blanks: leave out thousands marks and write 1000.5",
  ambiguous: "can be read in two ways: write 1500 or 1.5",
  not_a_number: "is not a number: use digits and one point or comma",
  too_long: "has more digits than can be sent",
  zero: "must be above 0",
};

/**
 * Reads a number above 0.
 *
 * @param {string} typed
 * @returns {{value: number, text: string} | {error: keyof typeof WORDS}} the number and its canonical text, or why not
 */
export function readNumber(typed) {
  const trimmed = typed.trim();
  if (!trimmed) return { error: "empty" };
  if (trimmed.length > MAX_CHARS) return { error: "too_long" };
  const found = NUMBER.exec(trimmed);
  if (!found) return { error: whyNot(trimmed) };
  const [, whole, mark, fraction = ""] = found;
  if (mark === "," && fraction.length === 3 && /^[1-9][0-9]{0,2}$/.test(whole)) return { error: "ambiguous" };
  const text = canonical(whole, fraction);
  const value = Number(text);
  if (!(value > 0)) return { error: "zero" };
  // More digits than a float holds: what is typed would not be what is sent.
  return plain(value) === text ? { value, text } : { error: "too_long" };
}

function whyNot(text) {
  if (/^[+-]?[0-9.,]+e[+-]?[0-9]+$/i.test(text)) return "exponent";
  if (/^[0-9][0-9.,'’\s_]*$/.test(text) && /[0-9]$/.test(text)) return "thousands";
  return "not_a_number";
}

function canonical(whole, fraction) {
  const units = whole.replace(/^0+/, "") || "0";
  const rest = fraction.replace(/0+$/, "");
  return rest ? `${units}.${rest}` : units;
}

/** A number with all its digits, without exponent and thousands marks: what a field holds. */
export function plain(value) {
  return value.toLocaleString("en-US", { useGrouping: false, maximumSignificantDigits: EXACT_DIGITS });
}

/** A number for reading, with thousands marks. */
export function grouped(value, digits = READ_DIGITS) {
  return value.toLocaleString("en-US", { maximumSignificantDigits: digits });
}

/** A price: six significant digits, and cents from 1,000 on. */
export function price(value) {
  if (value === null || value === undefined) return "–";
  if (Math.abs(value) >= 1_000) return money(value);
  return value.toLocaleString("en-US", { minimumSignificantDigits: 6, maximumSignificantDigits: 6 });
}

/** An amount of quote currency. */
export function money(value) {
  if (Math.abs(value) < 1 && value !== 0) return grouped(value, 4);
  return value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

/** A span for a person. */
export function span(ms) {
  const seconds = Math.max(0, ms / 1000);
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Rounds down to so many significant digits: a size must not come out larger than what was asked for. */
export function roundDown(value, digits) {
  const rounded = Number(value.toPrecision(digits));
  if (rounded <= value) return rounded;
  const step = 10 ** (Math.floor(Math.log10(value)) - digits + 1);
  return Number((rounded - step).toPrecision(digits));
}
