// Numbers in cards: a label, a value and a note each; and a text that stands where there is nothing to draw.
import { setText } from "./text.js";

export class Cards {
  constructor(body) {
    this.body = body;
    this.cards = [];
    body.classList.add("tt-cards");
  }

  merge(part) {
    this.part = part;
  }

  draw() {
    const wanted = this.part.cards;
    while (this.cards.length > wanted.length) this.cards.pop().card.remove();
    while (this.cards.length < wanted.length) this.cards.push(makeCard(this.body));
    wanted.forEach(([label, value, note, tone], i) => {
      const one = this.cards[i];
      if (one.card.getAttribute("aria-label") !== label) one.card.setAttribute("aria-label", label);
      setText(one.label, label);
      setText(one.value, value);
      setText(one.note, note);
      const name = `tt-note tt-${tone || "muted"}`;
      if (one.note.className !== name) one.note.className = name;
    });
  }
}

function makeCard(body) {
  const card = document.createElement("div");
  card.className = "tt-card";
  card.setAttribute("role", "group");
  const [label, value, note] = ["tt-label", "tt-value", "tt-note"].map((name) => {
    const line = document.createElement("div");
    line.className = name;
    card.append(line);
    return line;
  });
  body.append(card);
  return { card, label, value, note };
}

export class Note {
  constructor(body) {
    this.body = body;
  }

  merge(part) {
    this.part = part;
  }

  draw() {
    const key = JSON.stringify([this.part.text, this.part.code]);
    if (this.key === key) return;
    this.key = key;
    const text = document.createElement("p");
    text.className = "tt-note-text";
    text.textContent = this.part.text;
    this.body.replaceChildren(text);
    if (!this.part.code) return;
    const code = document.createElement("pre");
    code.className = "tt-code";
    code.tabIndex = 0;
    code.textContent = this.part.code;
    this.body.append(code);
  }
}
