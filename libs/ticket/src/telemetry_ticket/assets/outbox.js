/**
 * Orders that were pressed and not answered for good yet. Pure but for the store; time is an argument, in ms that only rise.
 *
 *     pressed ──▶ sent every 200 ms ──▶ answered for good
 *                   │ after UI_NO_ANSWER_AFTER_S without a word: nobody knows
 *                   ▼
 *                 asked about, never sent again, every second for a minute
 *
 * Every message holds all of them, because a message that waits for the server is replaced by the next one. What was
 * pressed before the tab was loaded again is asked about only.
 */

export const RESEND_MS = 200;
/** Until the page has said what its setting is. */
export const UNKNOWN_AFTER_MS = 2_000;
const ASK_EVERY_MS = 1_000;
const ASK_FOR_MS = 60_000;
const MAX_KEPT = 200;
const UNKNOWN = "no answer yet. It may or may not have been sent: look at the blotter before you send it again.";

export class Outbox {
  /** @param {{load: () => object[], save: (entries: object[]) => void}} store keeps what is unanswered over a reload */
  constructor(store, now) {
    this.store = store;
    this.unknownAfter = UNKNOWN_AFTER_MS;
    this.entries = store.load().map((kept) => ({ ...kept, at: now, sentAt: -Infinity, restored: true, answer: null }));
  }

  /** Takes an order that was pressed; `at` may be later than now, for one that waits its turn. */
  add(order, name, at) {
    const entry = { order, name, at, sentAt: -Infinity, restored: false, answer: null };
    this.entries = [...this.entries.slice(1 - MAX_KEPT), entry];
    this.keep();
  }

  /** What the next message says; marks it as sent. */
  message(now) {
    return this.open(now).map((entry) => {
      entry.sentAt = now;
      return { ...entry.order, ask: this.isAsked(entry, now) };
    });
  }

  /** Whether a message is due. */
  isDue(now) {
    return this.open(now).some((entry) => now - entry.sentAt >= (this.isAsked(entry, now) ? ASK_EVERY_MS : RESEND_MS));
  }

  /** Whether there is still something to wait for. */
  isWaiting(now) {
    return this.entries.some((entry) => entry.at > now) || this.open(now).length > 0;
  }

  /** Takes the page's answers, by id. Returns the entries that the page wants asked about first. */
  take(answers) {
    const back = [];
    for (const entry of this.entries) {
      const answer = answers[entry.order.id];
      if (!answer || entry.answer?.final) continue;
      if (answer.confirm) back.push(entry);
      else entry.answer = answer;
    }
    this.entries = this.entries.filter((entry) => !back.includes(entry));
    this.keep();
    return back;
  }

  /** What to say about the newest orders, newest first. */
  lines(now, count) {
    return this.entries.slice(-count).toReversed().map((entry) => this.line(entry, now));
  }

  line(entry, now) {
    if (entry.answer) return { ...entry.answer, id: entry.order.id, title: entry.name };
    const isUnknown = entry.restored || now - entry.at >= this.unknownAfter;
    return { id: entry.order.id, title: entry.name, text: isUnknown ? UNKNOWN : "sending …", tone: isUnknown ? "warn" : "wait" };
  }

  open(now) {
    return this.entries.filter((entry) => !entry.answer?.final && now >= entry.at && now - entry.at < ASK_FOR_MS);
  }

  isAsked(entry, now) {
    return entry.restored || now - entry.at >= this.unknownAfter;
  }

  keep() {
    this.store.save(this.entries.filter((entry) => !entry.answer?.final).map(({ order, name }) => ({ order, name })));
  }
}
