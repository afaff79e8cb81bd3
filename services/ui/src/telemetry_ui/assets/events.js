// Clicks on their way to Python. Each message holds all that were not heard yet, as one that waits is replaced by the next.
//
// Nothing is sent while another page is being opened: Streamlit would draw the answer into the next page, whose tree it
// breaks. What was clicked on the page that is being left is dropped with it.
//
//     click on a link ──> the server starts the next page, the address changes ──> its board is drawn whole
//     '────── the board of the page before is leaving, however slow the server is ──────'
import { leaving } from "./leaving.js";

const AGAIN_AFTER_MS = 1000;
const GIVEN_UP_AFTER_MS = 5000;
const LED_NOWHERE_AFTER_MS = 1500; // a server that speaks to this board so long after the click opens no other page
const MAX_WAITING = 50;

export class Events {
  constructor(board, tab = leaving) {
    this.board = board;
    this.tab = tab;
    this.settled = 0; // made after a click on a link, it may be of the page that goes
    this.drawnMs = -Infinity;
    this.number = 0;
    this.waiting = [];
    this.sentMs = -Infinity;
    this.emit = null;
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

  // The server has drawn the board. A page that is opened is drawn whole first.
  drawn(isWhole) {
    this.drawnMs = performance.now();
    if (isWhole && location.pathname === this.tab.to) this.settled = this.tab.count;
  }

  // Python tells the last number that it took, and whose.
  heard([board, number]) {
    if (board === this.board) this.waiting = this.waiting.filter((one) => one.number > number);
  }

  emitAll(nowMs) {
    this.sentMs = nowMs;
    this.emit?.({ board: this.board, events: this.waiting.map(({ number, kind, value }) => [number, kind, value]) });
  }

  isLeaving() {
    return this.settled !== this.tab.count && this.drawnMs < this.tab.atMs + LED_NOWHERE_AFTER_MS;
  }

  close() {
    this.emit = null;
  }
}
