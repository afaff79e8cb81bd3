// Clicks on their way to Python. Each message holds all that were not heard yet, as one that waits is replaced by the next.
//
// Nothing is sent while another page is being opened: Streamlit would draw the answer into the next page, whose tree it
// breaks. What was clicked on the page that is being left is dropped with it.
const AGAIN_AFTER_MS = 1000;
const GIVEN_UP_AFTER_MS = 5000;
const LEAVES_FOR_MS = 1500;
const MAX_WAITING = 50;

export class Events {
  constructor(board) {
    this.board = board;
    this.number = 0;
    this.waiting = [];
    this.sentMs = -Infinity;
    this.leavingMs = -Infinity;
    this.emit = null;
    this.here = new AbortController();
    const options = { capture: true, signal: this.here.signal };
    document.addEventListener("click", (event) => this.noteLink(event), options);
    window.addEventListener("popstate", () => (this.leavingMs = performance.now()), options);
  }

  send(kind, value) {
    if (this.isLeaving()) return;
    this.number += 1;
    const atMs = performance.now();
    this.waiting = [...this.waiting.slice(1 - MAX_WAITING), { number: this.number, kind, value, atMs }];
    this.emitAll(atMs);
  }

  sendAgain(nowMs) {
    this.waiting = this.waiting.filter((one) => nowMs - one.atMs < GIVEN_UP_AFTER_MS);
    if (this.waiting.length && nowMs - this.sentMs > AGAIN_AFTER_MS && !this.isLeaving()) this.emitAll(nowMs);
  }

  // Python tells the last number that it took, and whose.
  heard([board, number]) {
    if (board === this.board) this.waiting = this.waiting.filter((one) => one.number > number);
  }

  emitAll(nowMs) {
    this.sentMs = nowMs;
    this.emit?.({ board: this.board, events: this.waiting.map(({ number, kind, value }) => [number, kind, value]) });
  }

  noteLink(event) {
    const link = event.composedPath().find((one) => one instanceof HTMLAnchorElement && one.href);
    if (!link || link.target === "_blank" || link.download || link.origin !== location.origin) return;
    if (link.pathname !== location.pathname) this.leavingMs = performance.now();
  }

  isLeaving() {
    return performance.now() - this.leavingMs < LEAVES_FOR_MS;
  }

  close() {
    this.here.abort();
    this.emit = null;
  }
}
