// Lines over time in one or more strips, one under the other, each with a scale of its own.
import { Plot, clock, drawTimes, number, ticks } from "./plot.js";
import { escape } from "./text.js";

const BOTTOM = 22;
const hidden = new Set();

export class Lines {
  constructor(body, send, tools, frame) {
    this.plot = new Plot(body, tools, frame);
    this.pointer = null;
    this.size = new ResizeObserver(() => this.draw());
    this.size.observe(this.plot.box);
    this.plot.canvas.addEventListener("pointermove", (event) => this.move([event.offsetX, event.offsetY]));
    this.plot.canvas.addEventListener("pointerleave", () => this.move(null));
  }

  merge(part) {
    this.part = part;
  }

  move(pointer) {
    this.pointer = pointer;
    this.draw();
  }

  draw() {
    if (!this.part || !this.plot.box.clientWidth) return;
    const { canvas } = this.plot;
    if (canvas.getAttribute("aria-label") !== this.part.alt) canvas.setAttribute("aria-label", this.part.alt);
    const series = this.part.strips.flatMap((strip) => strip.lines);
    this.plot.drawLegend(
      series.map(([name, color]) => [name, color, !hidden.has(name)]),
      (name) => this.toggle(name),
    );
    const frame = this.plot.begin();
    const times = this.part.times;
    if (times.length < 2) return this.drawEmpty(frame);
    const strips = this.part.strips.map((strip) => this.scale(strip));
    const widest = Math.max(...strips.flatMap((one) => one.texts.map((text) => frame.pen.measureText(text).width)));
    const right = frame.width - widest - 14;
    const [from, to] = [times[0], times[times.length - 1]];
    const x = (second) => ((second - from) / (to - from)) * right;
    const each = (frame.height - BOTTOM) / strips.length;
    strips.forEach((strip, i) => this.drawStrip(frame, strip, i * each, each, x, right));
    drawTimes(frame, this.part.zone, { x, right, y: frame.height - 9, from, to });
    this.drawPointer(frame, strips, x, right, from, to);
  }

  toggle(name) {
    if (!hidden.delete(name)) hidden.add(name);
    this.draw();
  }

  drawEmpty({ pen, width, height, color }) {
    pen.fillStyle = color.muted;
    pen.textAlign = "center";
    pen.fillText(this.part.empty ?? "Nothing to draw yet.", width / 2, height / 2);
  }

  scale(strip) {
    const lines = strip.lines.filter(([name]) => !hidden.has(name));
    const values = lines.flatMap(([, , points]) => points.filter((value) => value !== null));
    let low = Math.min(strip.zero ? 0 : Infinity, ...values);
    let high = Math.max(strip.zero ? 0 : -Infinity, ...values);
    if (!values.length) [low, high] = [0, 1];
    if (high <= low && strip.zero && low === 0) high = 1; // a rate of nothing is not around 0, it is at its end
    if (high <= low) [low, high] = [low - (Math.abs(low) * 0.01 || 0.5), high + (Math.abs(high) * 0.01 || 0.5)];
    const pad = (high - low) * 0.08;
    [low, high] = [strip.zero && low >= 0 ? 0 : low - pad, high + pad];
    const marks = ticks(low, high, 3);
    const texts = marks.values.map((value) => `${number(value, marks.digits)}${strip.unit ? ` ${strip.unit}` : ""}`);
    return { ...strip, lines, low, high, marks, texts };
  }

  drawStrip({ pen, color }, strip, top, height, x, right) {
    const y = (value) => top + 8 + (1 - (value - strip.low) / (strip.high - strip.low)) * (height - 16);
    pen.lineWidth = 1;
    strip.marks.values.forEach((value, i) => {
      pen.strokeStyle = color.border;
      pen.beginPath();
      pen.moveTo(0, Math.round(y(value)) + 0.5);
      pen.lineTo(right, Math.round(y(value)) + 0.5);
      pen.stroke();
      pen.fillStyle = color.muted;
      pen.textAlign = "left";
      pen.fillText(strip.texts[i], right + 8, y(value));
    });
    for (const [, name, points] of strip.lines) {
      pen.strokeStyle = color[name];
      pen.lineWidth = 1.5;
      pen.beginPath();
      let drawing = false;
      points.forEach((value, i) => {
        if (value === null) return (drawing = false);
        pen[drawing ? "lineTo" : "moveTo"](x(this.part.times[i]), y(value));
        drawing = true;
      });
      pen.stroke();
    }
  }

  drawPointer({ pen, height, color }, strips, x, right, from, to) {
    if (!this.pointer || this.pointer[0] > right) return this.plot.showTip("");
    const { times } = this.part;
    const at = from + (this.pointer[0] / right) * (to - from);
    const i = times.reduce((best, one, j) => (Math.abs(one - at) < Math.abs(times[best] - at) ? j : best), 0);
    pen.strokeStyle = color.muted;
    pen.setLineDash([3, 3]);
    pen.beginPath();
    pen.moveTo(x(times[i]), 0);
    pen.lineTo(x(times[i]), height - BOTTOM);
    pen.stroke();
    pen.setLineDash([]);
    const rows = strips.flatMap((strip) =>
      strip.lines.map(([name, , points]) => [name, points[i] === null ? "–" : `${number(points[i], Math.max(2, strip.marks.digits + 1))} ${strip.unit ?? ""}`]),
    );
    const cells = rows.map(([name, value]) => `<span>${escape(name)}</span><b>${escape(value)}</b>`).join("");
    const head = `<div class="tt-tip-head">${clock(times[i], this.part.zone)}</div>`;
    this.plot.showTip(`${head}<div class="tt-tip-rows">${cells}</div>`, x(times[i]), this.pointer[1]);
  }

  close() {
    this.size.disconnect();
  }
}
