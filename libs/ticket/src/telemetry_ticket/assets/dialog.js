/** The question before something is done: modal, Escape and Cancel do nothing, and no key but those of the buttons acts. */

import { el, ignoreRepeat, onPress } from "./dom.js";

/** Whether a question of any component, or a dialog of the page, is open: then no key sends anything. */
export function isAsking() {
  return "question" in document.documentElement.dataset || document.querySelector("[role=dialog]") !== null;
}

export class Question {
  constructor(id) {
    this.title = el("h2", { id: `${id}-title` });
    this.text = el("div", { id: `${id}-text`, class: "dialog-text" });
    this.yes = el("button", { type: "button", class: "button primary" });
    this.no = el("button", { type: "button", class: "button outline", autofocus: true }, "Cancel");
    this.element = el(
      "dialog",
      { role: "alertdialog", class: "dialog", "aria-labelledby": `${id}-title`, "aria-describedby": `${id}-text` },
      this.title,
      this.text,
      el("div", { class: "dialog-buttons" }, this.no, this.yes),
    );
    this.element.addEventListener("keydown", ignoreRepeat);
    this.element.addEventListener("keydown", (event) => this.onKey(event));
    // The browser may close it by itself. It says so later, perhaps when the next question is open.
    this.element.addEventListener("close", () => this.isOpen || this.finish());
    onPress(this.yes, () => this.decide(true));
    onPress(this.no, () => this.decide(false));
  }

  get isOpen() {
    return this.element.open;
  }

  /**
   * Asks. What is asked about is frozen by the caller: nothing that moves on the page changes it.
   *
   * @param {{title: string, lines: string[], yes: string, no?: string}} words
   * @param {() => void} onYes
   * @param {HTMLElement | null} backTo gets the focus afterwards
   */
  ask(words, onYes, backTo) {
    this.title.textContent = words.title;
    this.text.replaceChildren(...words.lines.map((line) => el("p", {}, line)));
    this.yes.textContent = words.yes;
    this.no.textContent = words.no ?? "Cancel";
    [this.onYes, this.backTo, this.said, this.isPending] = [onYes, backTo, false, true];
    document.documentElement.dataset.question = "open";
    this.element.showModal();
    this.no.focus();
  }

  /** Goes away unanswered, with what it belongs to. */
  end() {
    if (this.isOpen) this.decide(false);
  }

  onKey(event) {
    if (event.key !== "Escape") return;
    event.preventDefault();
    this.decide(false);
  }

  /** At once: a busy browser hears of the close later than of the next key, which would be lost. */
  decide(said) {
    this.said = said;
    this.element.close();
    this.finish();
  }

  finish() {
    if (!this.isPending) return;
    this.isPending = false;
    delete document.documentElement.dataset.question;
    this.backTo?.focus();
    if (this.said) this.onYes();
    this.said = false;
  }
}
