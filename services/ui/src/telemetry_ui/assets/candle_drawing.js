// Price as candles or a line, volume by side beneath it, own fills as marks, and a crosshair where the pointer is.
import { clock, drawTimes, number, short, ticks } from "./plot.js";
import { escape } from "./text.js";

const BOTTOM = 22;
const GAP = 10;
const TAG = 15; // what the tag of the last price covers above and below its middle

/** One drawing of the bars that are `seen`, from one second to another; `on` says which layers are drawn. */
export class CandleDrawing {
  constructor(part, frame, { seen, from, to, isZoomed, on }) {
    Object.assign(this, { part, frame, seen, from, to, isZoomed, on });
    this.areas = this.layout(frame, seen, on("Volume"));
  }

  /** Draws; gives what the tip beside the pointer shows, and where. */
  draw(pointer) {
    const { frame, areas, seen, from, to, on } = this;
    const x = (second) => ((second - from) / (to - from)) * areas.right;
    drawTimes(frame, this.part.zone, { x, right: areas.right, y: areas.bottom + 12, from, to });
    if (on("Volume")) this.drawVolume(frame, areas, x, seen);
    this.drawPrice(frame, areas, x, seen, on);
    return this.drawPointer(frame, areas, x, seen, from, to, pointer);
  }

  layout({ pen, width, height }, seen, withVolume) {
    let low = Math.min(...seen.map((bar) => bar[3]));
    let high = Math.max(...seen.map((bar) => bar[2]));
    if (!seen.length) [low, high] = [0, 1];
    const last = this.part.last;
    if (!this.isZoomed && last !== null && seen.length) [low, high] = [Math.min(low, last), Math.max(high, last)];
    // A constant price has no height of its own: it gets a band of a thousandth around it.
    const pad = high > low ? (high - low) * 0.06 : Math.abs(high) * 0.0005 || 0.5;
    [low, high] = [low - pad, high + pad];
    const bottom = height - BOTTOM;
    const priceEnd = withVolume ? bottom * 0.76 : bottom;
    const marks = ticks(low, high, Math.max(2, Math.floor(priceEnd / 48)));
    const digits = Math.max(marks.digits, 0);
    const texts = [...marks.values.map((value) => number(value, digits)), last === null ? "" : number(last, this.part.digits)];
    if (withVolume) texts.push(`Vol ${short(mostVolume(seen))}`);
    const right = width - Math.max(...texts.map((text) => pen.measureText(text).width)) - 14;
    const y = (price) => 6 + (1 - (price - low) / (high - low)) * (priceEnd - 12);
    return { y, marks, digits, right, priceEnd, bottom, low, high };
  }

  drawPrice({ pen, color }, areas, x, seen, on) {
    const { y, marks, digits, right, priceEnd } = areas;
    pen.textAlign = "left";
    pen.lineWidth = 1;
    const lastAt = this.part.last === null ? -Infinity : y(this.part.last);
    for (const value of marks.values) {
      line(pen, color.border, 0, y(value), right, y(value));
      pen.fillStyle = color.muted;
      // Under the tag of the last price a number would stick out in part.
      if (Math.abs(y(value) - lastAt) > TAG) pen.fillText(number(value, digits), right + 8, y(value));
    }
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, right, priceEnd);
    pen.clip();
    if (on("Candles")) this.drawCandles(pen, color, y, x, seen);
    else this.drawLine(pen, color, y, x, seen);
    if (on("Fills")) this.drawMarks(pen, color, y, x);
    pen.restore();
    if (this.part.last !== null && seen.length) this.drawLast({ pen, color }, areas);
  }

  drawCandles(pen, color, y, x, seen) {
    const { step } = this.part;
    const width = Math.max(1, Math.min(14, (x(step) - x(0)) * 0.66));
    for (const [second, open, high, low, close] of seen) {
      const middle = Math.round(x(second + step / 2)) + 0.5;
      pen.fillStyle = close >= open ? color.up : color.down;
      pen.fillRect(middle - 0.5, y(high), 1, Math.max(1, y(low) - y(high)));
      const top = y(Math.max(open, close));
      pen.fillRect(middle - width / 2, top, width, Math.max(1, y(Math.min(open, close)) - top));
    }
  }

  drawLine(pen, color, y, x, seen) {
    pen.strokeStyle = color.line;
    pen.lineWidth = 1.6;
    pen.beginPath();
    seen.forEach((bar, i) => pen[i ? "lineTo" : "moveTo"](x(bar[0] + this.part.step / 2), y(bar[4])));
    pen.stroke();
  }

  drawMarks(pen, color, y, x) {
    for (const [second, price, side] of this.part.marks) {
      const up = side === "buy";
      const [at, tip] = [x(second), y(price)];
      const base = tip + (up ? 11 : -11);
      pen.beginPath();
      pen.moveTo(at, tip);
      pen.lineTo(at - 6, base);
      pen.lineTo(at + 6, base);
      pen.closePath();
      pen.fillStyle = color.warn;
      pen.fill();
      pen.strokeStyle = color.card;
      pen.stroke();
    }
  }

  drawLast({ pen, color }, { y, right, priceEnd }) {
    const at = y(this.part.last);
    if (at < 0 || at > priceEnd) return;
    pen.setLineDash([2, 3]);
    line(pen, color.line, 0, at, right, at);
    pen.setLineDash([]);
    const text = number(this.part.last, this.part.digits);
    pen.fillStyle = color.line;
    pen.fillRect(right + 3, at - 9, pen.measureText(text).width + 10, 18);
    pen.fillStyle = "#ffffff";
    pen.textAlign = "left";
    pen.fillText(text, right + 8, at);
  }

  drawVolume({ pen, color }, { right, priceEnd, bottom }, x, seen) {
    const most = mostVolume(seen);
    if (!most) return;
    const middle = (priceEnd + GAP + bottom) / 2;
    const half = (bottom - priceEnd - GAP) / 2;
    const width = Math.max(1, Math.min(14, (x(this.part.step) - x(0)) * 0.66));
    pen.save();
    pen.beginPath();
    pen.rect(0, priceEnd, right, bottom - priceEnd);
    pen.clip();
    for (const bar of seen) {
      const left = x(bar[0] + this.part.step / 2) - width / 2;
      const [bought, sold] = [(bar[5] / most) * half, (bar[6] / most) * half];
      pen.fillStyle = color.up;
      pen.fillRect(left, middle - bought, width, bought);
      pen.fillStyle = color.down;
      pen.fillRect(left, middle, width, sold);
    }
    pen.restore();
    line(pen, color.border, 0, middle, right, middle);
    pen.fillStyle = color.muted;
    pen.textAlign = "left";
    pen.fillText(`Vol ${short(most)}`, right + 8, middle - half + 6);
  }

  drawPointer({ pen, color }, { right, priceEnd, bottom, low, high }, x, seen, from, to, pointer) {
    if (!pointer || !seen.length || pointer[0] > right) return [""];
    const [px, py] = pointer;
    const at = from + (px / right) * (to - from) - this.part.step / 2;
    const bar = seen.reduce((best, one) => (Math.abs(one[0] - at) < Math.abs(best[0] - at) ? one : best));
    const middle = x(bar[0] + this.part.step / 2);
    pen.setLineDash([3, 3]);
    line(pen, color.muted, middle, 0, middle, bottom);
    if (py < priceEnd) {
      line(pen, color.muted, 0, py, right, py);
      const price = low + (1 - (py - 6) / (priceEnd - 12)) * (high - low);
      pen.setLineDash([]);
      const text = number(price, this.part.digits);
      pen.fillStyle = color.muted;
      pen.fillRect(right + 3, py - 9, pen.measureText(text).width + 10, 18);
      pen.fillStyle = color.card;
      pen.textAlign = "left";
      pen.fillText(text, right + 8, py);
    }
    pen.setLineDash([]);
    return [this.tipOf(bar), middle, py];
  }

  tipOf([second, open, high, low, close, bought, sold]) {
    const price = (value) => number(value, this.part.digits);
    const rows = [
      ["Open", price(open)],
      ["High", price(high)],
      ["Low", price(low)],
      ["Close", price(close)],
      ["Bought", short(bought)],
      ["Sold", short(sold)],
    ];
    for (const [at, fill, side, text] of this.part.marks)
      if (at >= second && at < second + this.part.step) rows.push([side === "buy" ? "▲ Own" : "▼ Own", `${text} at ${price(fill)}`]);
    const cells = rows.map(([name, value]) => `<span>${name}</span><b>${escape(value)}</b>`).join("");
    return `<div class="tt-tip-head">${clock(second, this.part.zone)}</div><div class="tt-tip-rows">${cells}</div>`;
  }
}

function line(pen, color, x1, y1, x2, y2) {
  pen.strokeStyle = color;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x1, Math.round(y1) + 0.5);
  pen.lineTo(x2, Math.round(y2) + (x1 === x2 ? 0 : 0.5));
  pen.stroke();
}

/** The largest volume of one side in a bar. */
function mostVolume(bars) {
  return Math.max(...bars.map((bar) => Math.max(bar[5], bar[6])), 0);
}
