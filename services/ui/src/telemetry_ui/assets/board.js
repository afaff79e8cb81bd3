// The live part of a page: Python sends what has changed, this draws it, and only what is in sight.
//
// Updates are numbered. One that does not follow the one before was lost on its way (the browser may join two into one):
// then the whole is asked for. What is drawn is a function of what came; no choice is kept here but zoom and legend.
import { Banner } from "./banner.js";
import { Cards, Note } from "./cards.js";
import { Candles } from "./candles.js";
import { Lines } from "./lines.js";
import { Table } from "./table.js";
import { Events } from "./events.js";
import { setText } from "./text.js";
import { standing } from "./updates.js";

const KINDS = { cards: Cards, table: Table, candles: Candles, lines: Lines, note: Note };
const STALLED_AFTER_MS = 3000;
const ASK_AGAIN_MS = 1000;
const KEPT_MS = 2000;
let current = null; // the tab's board: a page has one

// Streamlit drops what a run of a fragment has drawn if the next run starts before it was sent, and mounts the component
// anew. The board outlives that: its zoom, what is being typed in it, and how far it is scrolled are nowhere else.
export default function mount({ data, parentElement, setTriggerValue }) {
  if (!current || (data && data.layout !== current.layout)) {
    current?.close();
    current = new Board(data?.layout);
  }
  const board = current;
  board.putOn(parentElement);
  // The newest trigger belongs to the newest run of the fragment; older ones may lead nowhere.
  board.events.emit = (value) => setTriggerValue("event", value);
  if (data) board.take(data);
  return () => {
    if (board.parent === parentElement) board.takeOff();
  };
}

class Board {
  constructor(layout) {
    this.layout = layout;
    this.parent = null;
    this.root = document.createElement("div");
    this.root.className = "tt-board";
    this.banner = new Banner(this.root);
    this.panels = new Map();
    this.run = null;
    this.number = 0;
    this.events = new Events(crypto.randomUUID());
    this.askedMs = 0;
    this.takenMs = performance.now();
    this.sight = new IntersectionObserver((entries) => this.noteSight(entries), { rootMargin: "200px" });
    this.onVisible = () => this.draw();
    this.onTheme = () => this.redraw();
    document.addEventListener("visibilitychange", this.onVisible);
    this.theme = matchMedia("(prefers-color-scheme: dark)");
    this.theme.addEventListener("change", this.onTheme);
    this.timer = setInterval(() => this.tick(), 500);
    this.scrolled = new Map();
    this.root.addEventListener("scroll", ({ target }) => this.scrolled.set(target, target.scrollTop), true);
    this.root.addEventListener("focusin", ({ target }) => (this.focused = target));
    // Taken off the page, an element loses the focus to nothing; a person gives it to something else.
    this.root.addEventListener("focusout", ({ relatedTarget }) => (this.focused = relatedTarget ? null : this.focused));
  }

  putOn(parent) {
    if (this.parent === parent && this.root.parentElement === parent) return;
    clearTimeout(this.closing);
    this.parent = parent;
    parent.append(this.root);
    for (const [node, top] of this.scrolled) {
      if (node.isConnected) node.scrollTop = top;
      else this.scrolled.delete(node);
    }
    if (this.focused?.isConnected && document.activeElement === document.body) this.focused.focus({ preventScroll: true });
  }

  takeOff() {
    this.parent = null;
    this.root.remove();
    this.closing = setTimeout(() => this.close(), KEPT_MS);
  }

  tick() {
    this.watch();
    this.events.sendAgain(performance.now());
  }

  take(data) {
    this.takenMs = performance.now();
    this.watch();
    this.events.drawn(data.whole);
    this.events.heard(data.heard);
    const update = standing(this, data);
    if (update === "same") return this.redraw();
    if (update === "gap") return this.ask();
    this.run = data.run;
    this.number = data.number;
    this.root.dataset.layout = data.layout;
    for (const name of [...this.panels.keys()]) if (!data.order.includes(name)) this.remove(name);
    for (const name of data.order) this.place(name, data.parts[name], data.whole);
    data.order.forEach((name, i) => this.keepAt(this.panels.get(name).frame, i));
    if (data.parts.download) download(data.parts.download);
    if (data.parts.banner) this.banner.update(data.parts.banner);
    if (data.stamp) this.root.dataset.snapshotMs = data.stamp;
    this.draw();
  }

  ask() {
    if (performance.now() - this.askedMs < ASK_AGAIN_MS) return;
    this.askedMs = performance.now();
    this.events.send("whole", null);
  }

  place(name, part, whole) {
    let panel = this.panels.get(name);
    if (!panel && !part) return this.ask();
    if (panel && part && panel.kind !== part.kind) {
      this.remove(name);
      panel = null;
    }
    if (!panel) {
      panel = makePanel(name, part, (kind, value) => this.events.send(kind, value));
      this.panels.set(name, panel);
      this.sight.observe(panel.frame);
    }
    if (!part) return;
    panel.view.merge(part, whole);
    panel.part = part;
    panel.dirty = true;
  }

  keepAt(frame, i) {
    if (this.root.children[i] !== frame) this.root.insertBefore(frame, this.root.children[i] ?? null);
  }

  remove(name) {
    const panel = this.panels.get(name);
    this.sight.unobserve(panel.frame);
    panel.view.close?.();
    panel.frame.remove();
    this.panels.delete(name);
  }

  noteSight(entries) {
    for (const entry of entries)
      for (const panel of this.panels.values()) if (panel.frame === entry.target) panel.inSight = entry.isIntersecting;
    this.draw();
  }

  draw() {
    if (document.hidden) return;
    for (const panel of this.panels.values()) {
      if (!panel.dirty || !panel.inSight) continue;
      panel.dirty = false;
      setText(panel.title, panel.part.title ?? "");
      setText(panel.sub, panel.part.sub ?? "");
      panel.view.draw();
    }
  }

  redraw() {
    for (const panel of this.panels.values()) panel.dirty = true;
    this.draw();
  }

  watch() {
    const stalled = performance.now() - this.takenMs > STALLED_AFTER_MS;
    const page = document.documentElement;
    if (stalled !== "ttStalled" in page.dataset) {
      if (stalled) page.dataset.ttStalled = "";
      else delete page.dataset.ttStalled;
      this.banner.stall(stalled);
    }
  }

  close() {
    if (current === this) current = null;
    this.parent = null;
    clearTimeout(this.closing);
    clearInterval(this.timer);
    this.events.close();
    delete document.documentElement.dataset.ttStalled;
    this.theme.removeEventListener("change", this.onTheme);
    document.removeEventListener("visibilitychange", this.onVisible);
    this.sight.disconnect();
    for (const name of [...this.panels.keys()]) this.remove(name);
    this.banner.close();
    this.root.remove();
  }
}

function makePanel(name, part, send) {
  const frame = document.createElement("section");
  frame.className = `tt-panel tt-panel-${name} tt-kind-${part.kind}`;
  const head = document.createElement("div");
  head.className = "tt-head";
  const title = document.createElement("h2");
  title.className = "tt-title";
  const sub = document.createElement("span");
  sub.className = "tt-sub";
  const tools = document.createElement("div");
  tools.className = "tt-tools";
  head.append(title, sub, tools);
  const body = document.createElement("div");
  body.className = "tt-body";
  if (part.title) frame.append(head);
  frame.append(body);
  const view = new KINDS[part.kind](body, send, tools, frame);
  return { frame, title, sub, view, kind: part.kind, part, dirty: true, inSight: true };
}

function download(part) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([part.text], { type: "text/csv;charset=utf-8" }));
  link.download = part.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
