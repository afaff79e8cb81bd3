/** What ticket and kill switch are while they stand on the stage. */

import { Keys } from "./keys.js";
import { ofThisTab } from "./navigation.js";
import { rememberFocus } from "./stage.js";
import { isAddressOf, Stay } from "./stay.js";

const TICK_MS = 100;
const SILENT_AFTER_MS = 2_500; // the page speaks twice a second; this long without a word, it is not there

/**
 * What ticket and kill switch share: keys, focus, navigation and a tick for as long as they are on the page, and what they
 * heard last. A subclass has `root`, `facts`, `question`, `onKey(event)`, `tick()` and `hear(facts, emit)`.
 */
export class Staged {
  /** @param {Record<string, string>} keys actions by letter, with Alt held */
  constructor(keys) {
    this.keys = new Keys(keys);
    this.heardAt = performance.now();
    // For good: a key that was pressed here may be let go on another page.
    document.addEventListener("keyup", (event) => this.keys.up(event), { capture: true });
    window.addEventListener("blur", () => this.keys.reset(), { capture: true });
    this.stay = new Stay(ofThisTab());
  }

  /** Is on the page from now on. */
  arrive() {
    this.here = new AbortController();
    const { signal } = this.here;
    document.addEventListener("keydown", (event) => this.onKey(event), { capture: true, signal });
    this.isNew = true;
    rememberFocus(this, signal);
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Is on the page no more. */
  leave() {
    clearInterval(this.timer);
    this.here.abort();
    this.question.end();
    this.emit = null;
  }

  /** The component itself was drawn, and not only its feed: its way to the server is new. */
  drawn(emit) {
    if (!emit) return;
    this.emit = emit;
    this.stay.drawn(location.pathname, performance.now(), this.isNew);
    this.isNew = false;
  }

  /** Another page is being opened. What stands on one page only is, with another one's address, what is left of it. */
  get isLeaving() {
    const { page } = this.facts;
    return this.stay.isLeaving(this.heardAt) || (page !== undefined && !isAddressOf(page, location.pathname));
  }

  get silence() {
    return performance.now() - this.heardAt;
  }

  get isSilent() {
    return this.silence > SILENT_AFTER_MS;
  }
}
