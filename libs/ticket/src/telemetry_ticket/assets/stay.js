/**
 * Whether the page is about to be another one. What is pressed then is for a page that the person has left already, and a
 * message of a component from the page before would make Streamlit draw it into the next page, whose tree it breaks.
 *
 *     click on a link ──> the server starts the next page, the address changes ──> its components are drawn
 *     '───────── a component of the page before is leaving, one that comes now too ─────────'
 *
 * Pure.
 */

const LEAVES_FOR_MS = 1_500;
const SETTLED_AFTER_MS = 150;

/** What a change of page means for one component. */
export class Stay {
  constructor(ofTab) {
    this.ofTab = ofTab;
    this.settled = 0; // made after a click, it may be of the page that goes
  }

  /**
   * The component was drawn: after a change of address it is that of the new page.
   *
   * @param {boolean} isNew it was not there before; what stays can be drawn again by the page that goes, after "Back" has
   *     changed the address already
   */
  drawn(path, now, isNew) {
    const { at, from, count } = this.ofTab;
    const isOfNewPage = from === null ? isNew || now - at > SETTLED_AFTER_MS : from !== path;
    if (isOfNewPage) this.settled = count;
  }

  /** A link that led nowhere is forgotten as soon as the server speaks again, late enough to be no word from before. */
  isLeaving(heardAt) {
    return this.settled !== this.ofTab.count && heardAt < this.ofTab.at + LEAVES_FOR_MS;
  }
}

/** Whether the address names the page: behind a proxy there is more in front of its name. */
export function isAddressOf(page, path) {
  return path.split("/").findLast((part) => part !== "") === page;
}
