/** Tells a second press from a second order: who presses the same thing twice at once means it once. Pure. */

/** The same order again within this time is the second half of a double press, by whatever key or button. */
export const ORDER_TWICE_MS = 300;

/** A position that is being closed is still shown for a moment: to close it again then would open the other side. */
export const POSITION_TWICE_MS = 2_000;

/** What was pressed, and when. */
export class Press {
  /** @param {number} withinMs how soon after it the same press is a repeat */
  constructor(what, at, withinMs) {
    Object.assign(this, { what, at, withinMs });
  }

  /** Whether this is the same press once more. */
  is(what, now) {
    return what === this.what && now - this.at < this.withinMs;
  }
}
