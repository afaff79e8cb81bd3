// A table that changes in place: rows are known by their key, and only cells that differ are touched. So a text that
// somebody has marked stays marked, and a table costs what has changed in it.
import { escape } from "./text.js";

const FIND_AFTER_MS = 250;

export class Table {
  constructor(body, send, tools, frame) {
    this.send = send;
    this.tools = tools;
    this.frame = frame;
    this.rows = new Map();
    this.scroll = document.createElement("div");
    this.scroll.className = "tt-scroll";
    this.table = document.createElement("table");
    this.table.className = "tt";
    this.head = this.table.createTHead().insertRow();
    this.lines = this.table.createTBody();
    this.scroll.append(this.table);
    body.append(this.scroll);
    this.foot = document.createElement("div");
    this.foot.className = "tt-foot";
    body.append(this.foot);
    this.table.addEventListener("click", (event) => this.click(event));
    this.foot.addEventListener("click", (event) => this.act(event.target.closest("[data-act]")));
    this.tools.addEventListener("click", (event) => this.act(event.target.closest("[data-act]")));
    this.size = new ResizeObserver(() => this.noteScroll());
    this.size.observe(this.scroll);
  }

  merge(part) {
    this.part = part;
  }

  draw() {
    const part = this.part;
    if (this.table.getAttribute("aria-label") !== part.label) this.table.setAttribute("aria-label", part.label);
    this.drawHead(part.columns);
    this.drawFind(part);
    this.drawFilters(part.filters ?? []);
    this.drawFoot(part.foot ?? []);
    const body = this.lines;
    const kept = new Set(part.rows.map((row, i) => row[0] ?? i));
    for (const [key, row] of this.rows) if (!kept.has(key)) this.drop(key, row);
    part.rows.forEach((row, i) => this.drawRow(body, row, i));
    this.drawEmpty(part);
    this.noteScroll();
  }

  drawHead(columns) {
    const key = JSON.stringify(columns);
    if (this.headKey === key) return;
    this.headKey = key;
    this.head.innerHTML = columns
      .map(([title, kind, sort, order]) => {
        const aria = order ? ` aria-sort="${order}"` : "";
        const arrow = order ? (order === "ascending" ? " ↑" : " ↓") : "";
        const text = sort
          ? `<button type="button" data-act="sort" data-value="${escape(sort)}">${escape(title)}${arrow}</button>`
          : escape(title);
        return `<th scope="col" class="${kind}"${aria}>${text}</th>`;
      })
      .join("");
    this.rows.forEach((row) => row.line.remove());
    this.rows.clear();
  }

  drawFind(part) {
    if (part.find === undefined || this.input) {
      // What came back must not overwrite what is being typed.
      if (this.input && document.activeElement !== this.input && this.input.value !== (part.find ?? ""))
        this.input.value = part.find ?? "";
      return;
    }
    this.input = document.createElement("input");
    this.input.type = "search";
    this.input.className = "tt-find";
    this.input.placeholder = part.finds ?? "Search";
    this.input.setAttribute("aria-label", part.finds ?? "Search");
    this.input.value = part.find;
    this.input.addEventListener("input", () => {
      clearTimeout(this.finding);
      this.finding = setTimeout(() => this.send("find", [this.part.name, this.input.value]), FIND_AFTER_MS);
    });
    this.tools.append(this.input);
  }

  drawFilters(filters) {
    const key = JSON.stringify(filters);
    if (this.filterKey === key) return;
    this.filterKey = key;
    this.filterBar ??= this.tools.appendChild(document.createElement("div"));
    this.filterBar.className = "tt-filters";
    const at = document.activeElement?.dataset?.value;
    this.filterBar.innerHTML = filters.map(button).join("");
    if (at && this.filterBar.contains(document.activeElement) === false)
      this.filterBar.querySelector(`[data-value="${CSS.escape(at)}"]`)?.focus();
  }

  drawFoot(foot) {
    const key = JSON.stringify(foot);
    if (this.footKey === key) return;
    this.footKey = key;
    this.foot.innerHTML = foot.map((one) => (typeof one === "string" ? `<span>${escape(one)}</span>` : button(one))).join("");
  }

  drawRow(body, [id, cells, marked], i) {
    const key = id ?? i;
    let row = this.rows.get(key);
    if (!row) {
      const line = document.createElement("tr");
      for (const [, kind] of this.part.columns) {
        const cell = line.insertCell();
        cell.className = kind;
      }
      row = { line, cells: [] };
      this.rows.set(key, row);
    }
    if (body.children[i] !== row.line) body.insertBefore(row.line, body.children[i] ?? null);
    if (row.marked !== marked) {
      row.marked = marked;
      row.line.classList.toggle("tt-marked", Boolean(marked));
    }
    cells.forEach((cell, j) => {
      const text = typeof cell === "string" ? cell : JSON.stringify(cell);
      const known = j === 0 && this.part.pins?.includes(id) ? `★${text}` : text;
      if (row.cells[j] === known) return;
      row.cells[j] = known;
      this.drawCell(row.line.children[j], cell, j, id);
    });
  }

  drawCell(node, cell, j, id) {
    const [text, tone, badge, title, act, symbol] = typeof cell === "string" ? [cell, "", 0, ""] : cell;
    const kind = this.part.columns[j][1];
    node.className = badge || !tone ? kind : `${kind} tt-${tone}`;
    if (title) node.title = title;
    else node.removeAttribute("title");
    if (act) node.innerHTML = button([act, id, text, null, title]);
    else if (badge) node.innerHTML = `<span class="tt-badge tt-${tone || "plain"}">${escape(text)}</span>`;
    else if (symbol) node.innerHTML = chooser("pick", symbol, text);
    else if (j === 0 && this.part.pick) node.innerHTML = picker(this.part, id, text);
    else node.textContent = text;
  }

  drawEmpty(part) {
    if (part.rows.length) {
      this.empty?.remove();
      return;
    }
    this.empty ??= document.createElement("p");
    this.empty.className = "tt-empty";
    this.empty.textContent = part.empty;
    this.foot.before(this.empty);
  }

  drop(key, row) {
    row.line.remove();
    this.rows.delete(key);
  }

  // A region that scrolls must be reachable by keyboard; one that does not must not be a stop.
  noteScroll() {
    const scrolls =
      this.scroll.scrollWidth > this.scroll.clientWidth + 1 || this.scroll.scrollHeight > this.scroll.clientHeight + 1;
    if (scrolls === this.scrolls) return;
    this.scrolls = scrolls;
    if (scrolls) {
      this.scroll.tabIndex = 0;
      this.scroll.setAttribute("role", "region");
      this.scroll.setAttribute("aria-label", `${this.part.label}, scrolls`);
    } else for (const name of ["tabindex", "role", "aria-label"]) this.scroll.removeAttribute(name);
  }

  click(event) {
    const act = event.target.closest("[data-act]");
    if (act) return this.act(act);
    const line = event.target.closest("tbody tr");
    if (!line || !this.part.pick || String(getSelection())) return;
    for (const [key, row] of this.rows) if (row.line === line) this.pick(key);
  }

  // A row stands for a symbol, which all pages share, or for what its table says that is chosen by it.
  pick(key) {
    if (this.part.pick === true) this.send("pick", key);
    else this.send(this.part.pick, [this.part.name, key]);
  }

  act(node) {
    if (!node) return;
    const { act, value } = node.dataset;
    if (act === "pick" || act === "pin") return this.send(act, value);
    this.send(act, [this.part.name, value]);
  }

  close() {
    clearTimeout(this.finding);
    this.size.disconnect();
  }
}

function picker(part, id, text) {
  const name = escape(id);
  const pin =
    part.pins === undefined
      ? ""
      : `<button type="button" class="tt-pin" data-act="pin" data-value="${name}" aria-pressed="${part.pins.includes(id)}"` +
        ` aria-label="Pin ${name}">★</button>`;
  return pin + chooser(part.pick === true ? "pick" : part.pick, id, text);
}

function chooser(act, value, text) {
  return `<button type="button" class="tt-pick" data-act="${act}" data-value="${escape(value)}"><bdi>${escape(text)}</bdi></button>`;
}

function button([act, value, text, pressed, spoken]) {
  const state = pressed === undefined || pressed === null ? "" : ` aria-pressed="${pressed}"`;
  const label = spoken ? ` aria-label="${escape(spoken)}"` : "";
  return `<button type="button" class="tt-button" data-act="${escape(act)}" data-value="${escape(value)}"${state}${label}>${escape(text)}</button>`;
}
