/** Chooses a symbol by typing: an ARIA combobox with a list below. What is typed and not chosen is no choice. */

import { el } from "./dom.js";

const MAX_SHOWN = 100;

export class Combobox {
  /** @param {(symbol: string, byLeaving: boolean) => void} onChoose called when a person chose */
  constructor(label, onChoose) {
    this.onChoose = onChoose;
    this.symbols = [];
    this.value = "";
    this.active = 0;
    this.list = el("ul", { role: "listbox", id: "symbols", "aria-label": label, class: "list", hidden: true });
    this.input = el("input", {
      id: "symbol",
      role: "combobox",
      class: "input",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "No prices yet",
      "aria-expanded": "false",
      "aria-controls": "symbols",
      "aria-autocomplete": "list",
      oninput: () => this.open(this.input.value),
      onfocus: () => this.input.select(),
      onclick: () => this.open(""),
      onkeydown: (event) => this.onKey(event),
      onblur: () => this.leave(),
    });
    this.element = el("div", { class: "combobox" }, this.input, el("span", { class: "chevron", "aria-hidden": "true" }), this.list);
  }

  /** Takes the symbols there are; an open list follows. */
  setSymbols(symbols) {
    if (symbols.join() === this.symbols.join()) return;
    this.symbols = symbols;
    this.input.placeholder = symbols.length ? "Choose a symbol" : "No prices yet";
    if (!this.list.hidden) this.open(this.filter);
  }

  /** Shows a choice that was made elsewhere. */
  setValue(symbol) {
    this.value = symbol;
    if (this.list.hidden) this.input.value = symbol;
  }

  /** The symbol that is on the screen; none while another one is half typed. */
  get chosen() {
    return this.input.value.trim().toUpperCase() === this.value.toUpperCase() ? this.value : "";
  }

  open(filter) {
    this.filter = filter;
    const wanted = filter.trim().toUpperCase();
    const found = this.symbols.filter((symbol) => symbol.toUpperCase().includes(wanted));
    // What begins with the letters comes first, so that Enter takes it.
    found.sort((a, b) => b.toUpperCase().startsWith(wanted) - a.toUpperCase().startsWith(wanted));
    this.found = found.slice(0, MAX_SHOWN);
    this.active = Math.max(0, wanted ? 0 : this.found.indexOf(this.value));
    this.list.replaceChildren(...this.found.map((symbol, place) => this.option(symbol, place)));
    if (!this.found.length) this.list.append(el("li", { class: "none" }, "No such symbol"));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark();
  }

  option(symbol, place) {
    const option = el("li", { role: "option", id: `symbol-${place}`, "aria-selected": String(symbol === this.value) }, symbol);
    // Before the field loses the focus, which would close the list.
    option.addEventListener("mousedown", (event) => {
      event.preventDefault();
      this.choose(symbol);
    });
    return option;
  }

  mark() {
    [...this.list.children].forEach((option, place) => option.classList.toggle("active", place === this.active));
    const option = this.list.children[this.active];
    option?.scrollIntoView({ block: "nearest" });
    if (this.found.length) this.input.setAttribute("aria-activedescendant", `symbol-${this.active}`);
    else this.input.removeAttribute("aria-activedescendant");
  }

  onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !this.list.hidden) {
      event.preventDefault();
      if (this.found.length) this.choose(this.found[this.active]);
    } else if (event.key === "Escape") {
      this.close();
    }
  }

  step(by) {
    if (this.list.hidden) {
      this.open("");
      return;
    }
    const count = this.found.length;
    if (count) this.active = (this.active + by + count) % count;
    this.mark();
  }

  choose(symbol, byLeaving = false) {
    const isOther = symbol !== this.value;
    this.value = symbol;
    this.close();
    if (isOther) this.onChoose(symbol, byLeaving);
  }

  leave() {
    const typed = this.input.value.trim().toUpperCase();
    const exact = this.symbols.find((symbol) => symbol.toUpperCase() === typed);
    if (exact) this.choose(exact, true);
    else this.close();
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.input.value = this.value;
  }
}
