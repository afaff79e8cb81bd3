// What all charts share: a canvas as sharp as the screen, axes with round numbers, the page's colours, full screen.
export const FONT = "11px Inter, system-ui, sans-serif";
const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 86400];
const COLORS = ["up", "down", "warn", "muted", "border", "line", "text", "card"];

export class Plot {
  constructor(body, tools, frame, label) {
    this.frame = frame;
    this.box = document.createElement("div");
    this.box.className = "tt-plot";
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.tabIndex = 0;
    this.tip = document.createElement("div");
    this.tip.className = "tt-tip";
    this.tip.hidden = true;
    this.box.append(this.canvas, this.tip);
    this.legend = document.createElement("div");
    this.legend.className = "tt-legend";
    tools.append(this.legend);
    const full = document.createElement("button");
    full.type = "button";
    full.className = "tt-button";
    full.textContent = "Full screen";
    full.addEventListener("click", () => toggleFull(frame));
    tools.append(full);
    body.append(this.box);
    this.probe = document.createElement("i");
    this.probe.hidden = true;
    body.append(this.probe);
    this.label = label;
  }

  begin() {
    const ratio = devicePixelRatio || 1;
    const width = this.box.clientWidth;
    const height = this.box.clientHeight;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = FONT;
    pen.textBaseline = "middle";
    return { pen, width, height, color: this.colors() };
  }

  colors() {
    const found = {};
    for (const name of COLORS) {
      this.probe.style.color = `var(--tt-${name})`;
      found[name] = getComputedStyle(this.probe).color;
    }
    return found;
  }

  drawLegend(items, toggle) {
    const key = JSON.stringify(items);
    if (this.legendKey === key) return;
    this.legendKey = key;
    this.legend.replaceChildren(
      ...items.map(([name, color, on]) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "tt-button";
        button.setAttribute("aria-pressed", String(on));
        const mark = document.createElement("i");
        mark.className = "tt-swatch";
        mark.style.background = `var(--tt-${color})`;
        button.append(mark, name);
        button.addEventListener("click", () => toggle(name));
        return button;
      }),
    );
  }

  // The tip stays where the pointer is, whatever is redrawn beneath it.
  showTip(html, x, y) {
    this.tip.hidden = !html;
    if (!html) return;
    if (this.tip.innerHTML !== html) this.tip.innerHTML = html;
    const right = x + 16 + this.tip.offsetWidth > this.box.clientWidth;
    this.tip.style.left = `${Math.max(0, right ? x - 16 - this.tip.offsetWidth : x + 16)}px`;
    this.tip.style.top = `${Math.max(0, Math.min(y - 10, this.box.clientHeight - this.tip.offsetHeight))}px`;
  }
}

function toggleFull(frame) {
  if (document.fullscreenElement) document.exitFullscreen();
  else frame.requestFullscreen();
}

// Round values between two ends, some `count` of them, and the decimals that distinguish them.
export function ticks(low, high, count) {
  // A step below what tells two numbers of this size apart would lead from a value to the same one, without end.
  const raw = Math.max((high - low) / Math.max(1, count), Math.max(Math.abs(low), Math.abs(high)) * Number.EPSILON);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5].find((each) => each * power >= raw) ?? 10) * power;
  const values = [];
  for (let i = Math.ceil(low / step); i * step <= high; i += 1) values.push(i * step || 0); // no minus before a zero
  if (!values.length) values.push(low); // no round one lies between two neighbours
  return { values, digits: Math.max(0, Math.min(20, -Math.floor(Math.log10(step) + 1e-9))) };
}

export function timeTicks(fromS, toS, count) {
  const step = STEPS_S.find((each) => (toS - fromS) / each <= count) ?? 86400;
  const values = [];
  for (let at = Math.ceil(fromS / step) * step; at <= toS; at += step) values.push(at);
  return { values, step };
}

// The times under a chart, centred at the height y; one that would be cut is left out.
export function drawTimes({ pen, color }, zone, { x, right, y, from, to }) {
  const { values, step } = timeTicks(from, to, Math.max(2, right / 90));
  pen.fillStyle = color.muted;
  pen.textAlign = "center";
  for (const at of values) {
    const text = clock(at, zone, step < 60);
    const half = pen.measureText(text).width / 2;
    if (x(at) > half && x(at) < right - half) pen.fillText(text, x(at), y);
  }
}

export function clock(second, zone, seconds = true) {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone };
  if (seconds) options.second = "2-digit";
  return formatter(JSON.stringify(options), options).format(second * 1000);
}

const formatters = new Map();

function formatter(key, options) {
  if (!formatters.has(key)) formatters.set(key, new Intl.DateTimeFormat("en-GB", options));
  return formatters.get(key);
}

const numbers = new Map();

export function number(value, digits) {
  if (!numbers.has(digits))
    numbers.set(digits, new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  const text = numbers.get(digits).format(value);
  return /[1-9]/.test(text) ? text.replace("-", "−") : text.replace("-", ""); // what is written as nothing has no sign
}

// Six significant digits at any size, as the tables have them.
export function short(value) {
  if (!value) return "0";
  const size = Math.floor(Math.log10(Math.abs(value)));
  return number(value, Math.max(0, Math.min(14, 3 - size)));
}
