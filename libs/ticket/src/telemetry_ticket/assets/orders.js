/**
 * From what is on the ticket to an order: what refuses it before it is sent, and what is asked about first. Pure.
 *
 * The desk decides; these rules only say early what it would say anyway. `facts` is what the page sent last, with
 * `facts.quote.age_ms` as of now.
 */

import { WORDS, grouped, money, plain, price as showPrice, readNumber, roundDown, span } from "./numbers.js";

const SLACK = 1e-6; // the desk's own: numbers that a refusal names are rounded
const QUOTE_DIGITS = 8;
const BID_ASK_OLD_MS = 5_000; // renewed several times a second; older than this, it is said
const PRESET_WORTH = [100, 1_000, 5_000, 10_000];

/** Base and quote of a symbol: BTC-USD, BTC/USD, BTC_USD. Others have no names for theirs. */
export function currencies(symbol) {
  const found = /^(.+)[-/_:]([A-Za-z0-9.]+)$/.exec(symbol ?? "");
  return found ? { base: found[1], quote: found[2] } : { base: "units", quote: "quote" };
}

const REBOOTED_MS = 60_000;

/**
 * Whether these facts are not older than the known ones: they come on ways of their own. By the page's monotonic clock, as
 * its wall clock may be set back; that of a machine that was started anew begins anew.
 */
export function isNewer(facts, known) {
  return facts.steady_ms >= known.steady_ms || known.steady_ms - facts.steady_ms > REBOOTED_MS;
}

/**
 * Reads the ticket.
 *
 * @returns {{order: object} | {refusal: string, field: string}}
 */
export function readTicket(form, side, facts) {
  if (!form.symbol) return { refusal: "Choose a symbol from the list.", field: "symbol" };
  const asked = form.mode === "price" ? readNumber(form.price) : null;
  if (asked?.error === "empty") return { refusal: "Enter the limit price, or choose Market.", field: "price" };
  if (asked?.error) return { refusal: `Price “${form.price.trim()}” ${WORDS[asked.error]}.`, field: "price" };
  const size = readNumber(form.qty);
  if (size.error === "empty") return { refusal: "Enter a quantity.", field: "qty" };
  if (size.error) return { refusal: `Quantity “${form.qty.trim()}” ${WORDS[size.error]}.`, field: "qty" };
  const order = { side, symbol: form.symbol, qty: size.value, qtyText: size.text, price: null, priceText: null };
  if (asked) Object.assign(order, { price: asked.value, priceText: asked.text });
  return form.unit === "quote" ? inBase(order, facts) : { order };
}

/** A size in quote currency as one in base, rounded down. */
function inBase(order, facts) {
  const at = order.price ?? lastPrice(order.symbol, facts);
  if (at === null || at <= 0) {
    const { base } = currencies(order.symbol);
    return { refusal: `No price of ${order.symbol} above 0 is known here: give the quantity in ${base}.`, field: "qty" };
  }
  const qty = roundDown(order.qty / at, QUOTE_DIGITS);
  return { order: { ...order, qty, qtyText: plain(qty) } };
}

/** The last price of a symbol, if it is the one that the page has sent. */
export function lastPrice(symbol, facts) {
  return quoteOf(symbol, facts)?.last ?? null;
}

/** The prices of a symbol, if they are those that the page has sent. Of no symbol there are none. */
function quoteOf(symbol, facts) {
  return facts.quote && facts.quote.symbol === symbol ? facts.quote : null;
}

/** What the order is worth in quote currency; null if there is no price. */
export function worth(order, facts) {
  const at = order.price ?? lastPrice(order.symbol, facts);
  return at === null ? null : Math.abs(at) * order.qty;
}

/** The limit of the desk that the order breaks, in the desk's own words; null if it breaks none that is known. */
export function limitRefusal(order, facts) {
  const limits = facts.limits;
  if (!limits) return null;
  if (order.qty > limits.max_qty) {
    return `Quantity ${grouped(order.qty)} is above the limit of ${grouped(limits.max_qty)}: send less.`;
  }
  const last = lastPrice(order.symbol, facts);
  if (order.price !== null && last > 0 && Math.abs(order.price / last - 1) > limits.band_ratio + SLACK) {
    const [low, high] = [last * (1 - limits.band_ratio), last * (1 + limits.band_ratio)];
    return `Price ${grouped(order.price)} is too far from the last one, ${showPrice(last)}: use ${showPrice(low)} to ${showPrice(high)}.`;
  }
  const value = worth(order, facts);
  if (value !== null && value > limits.max_notional * (1 + SLACK)) {
    const most = grouped(roundDown((limits.max_notional * order.qty) / value, 6), 6);
    return `It is worth ${money(value)}, above the limit of ${money(limits.max_notional)}: send at most ${most}.`;
  }
  return null;
}

/** Why the order is asked about before it is sent; empty if it is not. */
export function questions(order, facts) {
  const value = worth(order, facts);
  const found = [];
  if (value === null) found.push(`No price of ${order.symbol} is known here, so nobody can say what it is worth.`);
  else if (value > facts.ask_above) found.push(`It is worth ${money(value)}, more than the ${money(facts.ask_above)} that are sent without asking.`);
  if (isOld(order.symbol, facts)) {
    found.push(`The last price is ${span(facts.quote.age_ms)} old. ${order.price === null ? "A market order fills at it all the same." : "The market may be elsewhere."}`);
  }
  return found;
}

/** Whether the last price of a symbol is older than what is traded on without asking. */
export function isOld(symbol, facts) {
  const age_ms = quoteOf(symbol, facts)?.age_ms ?? null;
  return age_ms !== null && age_ms > facts.ask_age_ms;
}

/** The prices of the symbol in a line: the last one, and bid and ask where somebody reports them; with their ages. */
export function priceLine(quote) {
  const prices = [`Last ${showPrice(quote?.last ?? null)}${ageOf(quote?.age_ms, 1_000)}`];
  if (quote && quote.bid !== null && quote.ask !== null) {
    prices.push(`Bid ${showPrice(quote.bid)}`, `Ask ${showPrice(quote.ask)}${ageOf(quote.bid_ask_age_ms, BID_ASK_OLD_MS)}`);
  }
  return prices.join(" · ");
}

function ageOf(ms, from) {
  return (ms ?? 0) >= from ? ` (${span(ms)} old)` : "";
}

/** What a limit price means for either side; how far it is from the market. */
export function priceNote(order, facts) {
  const last = lastPrice(order?.symbol, facts);
  if (!order || order.price === null || last === null) return "It rests at the desk until a trade goes through its price, or it is cancelled.";
  if (order.price === last) return "At the last price: it fills at once.";
  const [first, second] = order.price < last ? ["buy", "sell"] : ["sell", "buy"];
  const rule = `a ${first} rests until a trade goes through it, a ${second} fills at once at the last price.`;
  const far = last > 0 ? `${(Math.abs(order.price / last - 1) * 100).toFixed(1)} % ` : "";
  return `${far}${order.price < last ? "below" : "above"} the last price: ${rule}`;
}

/** Sizes to choose by one press: round amounts of quote currency, or about as much in round amounts of base. */
export function presets(unit, last, limits) {
  const most = limits?.max_notional ?? Infinity;
  const amounts = PRESET_WORTH.filter((amount) => amount <= most);
  if (unit === "quote") return amounts.map((amount) => plain(amount));
  if (last === null || last <= 0) return [];
  const sizes = amounts.map((amount) => Number((amount / last).toPrecision(1)));
  return [...new Set(sizes.filter((size) => size <= (limits?.max_qty ?? Infinity)).map((size) => plain(size)))];
}

/**
 * The orders that trade a position away, or turn it round; several where one would be above a limit.
 *
 * @param {{symbol: string, qty: string, last: number | null}} position `qty` is exact, a minus is short
 */
export function ordersFor(position, times, facts) {
  const short = position.qty.startsWith("-");
  const qty = Number(position.qty.replace("-", "")) * times;
  if (!(qty > 0)) return [];
  const order = { side: short ? "buy" : "sell", symbol: position.symbol, price: null, priceText: null };
  return parts(qty, position.last, facts.limits).map((part) => ({ ...order, qty: part, qtyText: plain(part) }));
}

function parts(qty, last, limits) {
  const byWorth = limits && last ? roundDown(limits.max_notional / Math.abs(last), 6) * 0.99 : Infinity;
  const most = Math.min(limits?.max_qty ?? Infinity, byWorth);
  const count = Math.ceil(qty / most);
  if (count <= 1) return [qty];
  const even = roundDown(qty / count, 12);
  const found = Array.from({ length: count - 1 }, () => even);
  // The last part is what is left, taken away in the desk's order, so that nothing remains of the position.
  return [...found, found.reduce((rest, part) => rest - part, qty)];
}

/** An order in a few words, as the blotter names it. */
export function orderName(order) {
  const at = order.priceText ? ` at ${order.priceText}` : "";
  return `${order.side.toUpperCase()} ${order.qtyText} ${order.symbol}${at}`;
}
