/** What ticket and kill switch are while they stand on the stage. */

import { Keys } from "./keys.js";
import { Navigation, rememberFocus } from "./stage.js";

const TICK_MS = 100;
const SILENT_AFTER_MS = 2_500; // the page speaks twice a second; this long without a word, it is not there

/**
 * What ticket and kill switch share: keys, focus, navigation and a tick for as long as they are on the page, and what they
 * heard last. A subclass has `root`, `question`, `onKey(event)`, `tick()` and `hear(facts, emit)`.
 */
export class Staged {
  /** @param {Record<string, string>} keys actions by letter, with Alt held */
  constructor(keys) {
    this.keys = new Keys(keys);
    this.heardAt = performance.now();
  }

  /** Is on the page from now on. */
  arrive() {
    this.here = new AbortController();
    const { signal } = this.here;
    const options = { capture: true, signal };
    document.addEventListener("keydown", (event) => this.onKey(event), options);
    document.addEventListener("keyup", (event) => this.keys.up(event), options);
    window.addEventListener("blur", () => this.keys.reset(), options);
    this.navigation = new Navigation(signal);
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
    this.navigation.drawn();
  }

  get silence() {
    return performance.now() - this.heardAt;
  }

  get isSilent() {
    return this.silence > SILENT_AFTER_MS;
  }
}
