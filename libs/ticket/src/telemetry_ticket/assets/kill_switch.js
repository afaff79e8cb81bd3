/** The kill switch: one press or Alt+K engages it, a question comes before the release. It shows what the desk says. */

import { Question, isAsking } from "./dialog.js";
import { el, onPress, setText, show } from "./dom.js";
import { Keys } from "./keys.js";
import { Outbox } from "./outbox.js";
import { Navigation, rememberFocus, stage } from "./stage.js";

const TICK_MS = 100;
const SILENT_AFTER_MS = 2_500;
const NOTHING_KEPT = { load: () => [], save: () => {} }; // what was asked for before a reload is not asked for again

class KillSwitch {
  constructor() {
    this.facts = { now_ms: 0, engaged: null };
    this.heardAt = performance.now();
    this.outbox = new Outbox(NOTHING_KEPT, performance.now());
    this.keys = new Keys({ k: "engage" });
    this.text = el("span", {});
    this.button = el("button", { type: "button", class: "button kill", "aria-keyshortcuts": "Alt+K" }, this.text, el("kbd", { "aria-hidden": "true" }, "Alt+K"));
    this.state = el("span", { class: "kill-state", role: "status" });
    this.question = new Question("release");
    this.root = el("section", { class: "kill-switch", style: "visibility: hidden", "aria-label": "Kill switch" }, this.state, this.button, this.question.element);
    onPress(this.button, () => (this.facts.engaged ? this.askRelease() : this.set(true)));
  }

  /** Is on the page from now on. */
  arrive() {
    this.here = new AbortController();
    const options = { capture: true, signal: this.here.signal };
    document.addEventListener("keydown", (event) => this.onKey(event), options);
    document.addEventListener("keyup", (event) => this.keys.up(event), options);
    window.addEventListener("blur", () => this.keys.reset(), options);
    this.navigation = new Navigation(this.here.signal);
    rememberFocus(this, this.here.signal);
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** Is on the page no more. */
  leave() {
    clearInterval(this.timer);
    this.here.abort();
    this.question.end();
    this.emit = null;
  }

  hear(facts, emit) {
    if (emit) this.emit = emit;
    if (emit) this.navigation.drawn();
    this.outbox.take(facts.answers);
    if (facts.now_ms >= this.facts.now_ms) [this.facts, this.heardAt] = [facts, performance.now()];
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
    const pressed_ms = this.facts.now_ms + (now - this.heardAt);
    this.outbox.add({ id: crypto.randomUUID(), engaged, pressed_ms }, name, now);
    this.send();
    this.render();
  }

  /** While another page is being opened it waits: a press is not lost, only some tens of ms later. */
  send() {
    if (this.navigation.isLeaving) return;
    this.emit?.({ commands: this.outbox.message(performance.now()) });
  }

  tick() {
    const now = performance.now();
    if (this.emit && this.outbox.isDue(now)) this.send();
    if (this.outbox.isWaiting(now) || now - this.heardAt > 1_000) this.render();
  }

  render() {
    const engaged = this.facts.engaged;
    const isSilent = performance.now() - this.heardAt > SILENT_AFTER_MS;
    setText(this.text, engaged ? "Release kill switch" : "Kill switch");
    this.button.setAttribute("aria-label", engaged ? "Release kill switch" : "Engage kill switch");
    this.root.classList.toggle("engaged", engaged === true);
    setText(this.state, this.words(engaged, isSilent));
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
