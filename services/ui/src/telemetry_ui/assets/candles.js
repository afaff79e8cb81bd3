// The candles of one symbol: which bars are looked at. Zoom by wheel, pan by dragging, both by keys; crosshair.
import { CandleDrawing } from "./candle_drawing.js";
import { Plot } from "./plot.js";

const LEAST_BARS = 8;
const hidden = new Set(); // outlives a redraw and a look at another page

export class Candles {
  constructor(body, send, tools, frame) {
    this.plot = new Plot(body, tools, frame);
    this.bars = [];
    this.view = null; // [from, to] in seconds where somebody has zoomed or panned; else it follows the newest bar
    this.pointer = null;
    this.size = new ResizeObserver(() => this.draw());
    this.size.observe(this.plot.box);
    this.listen(this.plot.canvas);
  }

  // `bars` are those from the first that has changed; what is older is known.
  merge(part) {
    if (this.part?.id !== part.id) this.view = null;
    const same = this.part?.id === part.id && part.from !== null;
    const kept = same ? this.bars.filter((bar) => bar[0] < part.from) : [];
    this.bars = [...kept, ...part.bars].filter((bar) => bar[0] > part.end - part.span - part.step);
    this.part = part;
  }

  listen(canvas) {
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerleave", () => this.leave());
    canvas.addEventListener("pointerdown", (event) => this.grab(event));
    canvas.addEventListener("pointerup", () => (this.held = null));
    canvas.addEventListener("dblclick", () => this.reset());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  move(event) {
    this.pointer = [event.offsetX, event.offsetY];
    if (this.held) {
      const [from, to] = this.held.view;
      const by = ((this.held.x - event.offsetX) / this.held.width) * (to - from);
      this.look(from + by, to + by);
    }
    this.draw();
  }

  leave() {
    this.pointer = null;
    this.draw();
  }

  grab(event) {
    this.plot.canvas.setPointerCapture(event.pointerId);
    this.held = { x: event.offsetX, view: this.ends(), width: this.width };
  }

  wheel(event) {
    event.preventDefault();
    this.zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX / this.width);
  }

  zoom(by, at = 1) {
    const [from, to] = this.ends();
    const span = Math.min(this.part.span, Math.max(LEAST_BARS * this.part.step, (to - from) * by));
    const fix = from + (to - from) * at;
    this.look(fix - span * at, fix + span * (1 - at));
    this.draw();
  }

  look(from, to) {
    const { end, span, step } = this.part;
    if (to - from >= span && to >= end) return this.reset();
    const shift = Math.max(end + step - span - from, Math.min(0, end + step - to));
    this.view = [from + shift, to + shift];
  }

  reset() {
    this.view = null;
    this.draw();
  }

  key(event) {
    const [from, to] = this.ends();
    const by = (to - from) / 8;
    const acts = {
      ArrowLeft: () => this.look(from - by, to - by),
      ArrowRight: () => this.look(from + by, to + by),
      "+": () => this.zoom(0.8),
      "-": () => this.zoom(1.25),
      0: () => this.reset(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
    this.draw();
  }

  ends() {
    const { end, span, step } = this.part;
    return this.view ?? [end + step - span, end + step];
  }

  draw() {
    if (!this.part || !this.plot.box.clientWidth) return;
    const { canvas } = this.plot;
    if (canvas.getAttribute("aria-label") !== this.part.alt) canvas.setAttribute("aria-label", this.part.alt);
    const on = (name) => !hidden.has(name);
    const legend = [["Candles", "up"], ["Volume", "muted"], ["Fills", "warn"]];
    this.plot.drawLegend(legend.map(([name, color]) => [name, color, on(name)]), (name) => this.toggle(name));
    const [from, to] = this.ends();
    const seen = this.bars.filter((bar) => bar[0] + this.part.step > from && bar[0] < to);
    const drawing = new CandleDrawing(this.part, this.plot.begin(), { seen, from, to, isZoomed: this.view !== null, on });
    this.width = drawing.areas.right;
    this.plot.showTip(...drawing.draw(this.pointer));
  }

  toggle(name) {
    if (!hidden.delete(name)) hidden.add(name);
    this.draw();
  }

  close() {
    this.size.disconnect();
  }
}
