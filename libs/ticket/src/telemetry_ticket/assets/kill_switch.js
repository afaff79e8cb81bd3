/** The kill switch: one press or Alt+K engages it, a question comes before the release. It shows what the desk says. */

import { Question, isAsking } from "./dialog.js";
import { el, onPress, setText, show } from "./dom.js";
import { isNewer } from "./orders.js";
import { Outbox } from "./outbox.js";
import { stage } from "./stage.js";
import { Staged } from "./staged.js";

const NOTHING_KEPT = { load: () => [], save: () => {} }; // what was asked for before a reload is not asked for again

class KillSwitch extends Staged {
  constructor() {
    super({ k: "engage" });
    this.facts = { now_ms: 0, steady_ms: 0, engaged: null };
    this.outbox = new Outbox(NOTHING_KEPT, performance.now());
    this.text = el("span", {});
    this.button = el("button", { type: "button", class: "button kill", "aria-keyshortcuts": "Alt+K" }, this.text, el("kbd", { "aria-hidden": "true" }, "Alt+K"));
    this.state = el("span", { class: "kill-state", role: "status" });
    this.question = new Question("release");
    this.root = el("section", { class: "kill-switch", style: "visibility: hidden", "aria-label": "Kill switch" }, this.state, this.button, this.question.element);
    onPress(this.button, () => (this.facts.engaged ? this.askRelease() : this.set(true)));
  }

  hear(facts, emit) {
    this.drawn(emit);
    this.outbox.unknownAfter = facts.unknown_after_ms;
    this.outbox.take(facts.answers);
    if (isNewer(facts, this.facts)) [this.facts, this.heardAt] = [facts, performance.now()];
    this.render();
  }

  onKey(event) {
    const { isOurs, action } = this.keys.down(event);
    if (!isOurs) return;
    event.preventDefault();
    // To stop trading is right at any time, in the middle of a question too. It never releases.
    if (action) this.set(true);
  }

  askRelease() {
    if (isAsking()) return;
    const words = { title: "Release the kill switch?", lines: ["Orders of every session are accepted again."], yes: "Release", no: "Keep it engaged" };
    this.question.ask(words, () => this.set(false), this.button);
  }

  set(engaged) {
    const now = performance.now();
    const name = engaged ? "Engaging" : "Releasing";
    const pressed_ms = this.facts.now_ms + this.silence;
    this.outbox.add({ id: crypto.randomUUID(), engaged, pressed_ms }, name, now);
    this.send();
    this.render();
  }

  /** While another page is being opened it waits: a press is not lost, only some tens of ms later. */
  send() {
    if (this.isLeaving) return;
    this.emit?.({ commands: this.outbox.message(performance.now()) });
  }

  tick() {
    const now = performance.now();
    if (this.emit && this.outbox.isDue(now)) this.send();
    if (this.outbox.isWaiting(now) || this.silence > 1_000) this.render();
  }

  render() {
    const engaged = this.facts.engaged;
    setText(this.text, engaged ? "Release kill switch" : "Kill switch");
    this.button.setAttribute("aria-label", engaged ? "Release kill switch" : "Engage kill switch");
    this.root.classList.toggle("engaged", engaged === true);
    setText(this.state, this.words(engaged, this.isSilent));
    show(this.state, this.state.textContent !== "");
  }

  /** What is known of it: the desk's word, and the state of the last press as long as the desk has not said it. */
  words(engaged, isSilent) {
    const [line] = this.outbox.lines(performance.now(), 1);
    const entry = this.outbox.entries.at(-1);
    const isOpen = entry && !(entry.answer?.final && (entry.answer.tone === "bad" || entry.order.engaged === engaged));
    if (isSilent) return isOpen ? `${line.title}: ${line.text}` : "State unknown: the server does not answer";
    if (line && (isOpen || line.tone === "bad") && line.text) return `${line.title}: ${line.text}`;
    return engaged ? "Engaged: every order is refused" : "";
  }
}

export default stage(() => new KillSwitch(), "switch");
