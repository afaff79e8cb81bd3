/** The kill switch: one press or Alt+K engages it, a question comes before the release. It shows what the desk says. */

import { Question, isAsking } from "./dialog.js";
import { el, onPress, setText, show } from "./dom.js";
import { Keys } from "./keys.js";
import { Outbox } from "./outbox.js";

const TICK_MS = 100;
const SILENT_AFTER_MS = 2_500;
const NOTHING_KEPT = { load: () => [], save: () => {} }; // what was asked for before a reload is not asked for again
const instances = new WeakMap();

export default function killSwitch({ data, parentElement, setTriggerValue }) {
  let instance = instances.get(parentElement);
  if (!instance) {
    instance = new KillSwitch(parentElement);
    instances.set(parentElement, instance);
  }
  instance.update(data, (event) => setTriggerValue("switch", event));
  return () => {
    instances.delete(parentElement);
    instance.end();
  };
}

class KillSwitch {
  constructor(parent) {
    this.facts = { engaged: null };
    this.heardAt = performance.now();
    this.outbox = new Outbox(NOTHING_KEPT, performance.now());
    this.keys = new Keys({ k: "engage" });
    this.text = el("span", {});
    this.button = el("button", { type: "button", class: "button kill", "aria-keyshortcuts": "Alt+K" }, this.text, el("kbd", { "aria-hidden": "true" }, "Alt+K"));
    this.state = el("span", { class: "kill-state", role: "status" });
    this.question = new Question("release");
    this.root = el("section", { class: "kill-switch", style: "visibility: hidden", "aria-label": "Kill switch" }, this.state, this.button, this.question.element);
    parent.append(this.root);
    onPress(this.button, () => (this.facts.engaged ? this.askRelease() : this.set(true)));
    this.ended = new AbortController();
    const options = { capture: true, signal: this.ended.signal };
    document.addEventListener("keydown", (event) => this.onKey(event), options);
    document.addEventListener("keyup", (event) => this.keys.up(event), options);
    window.addEventListener("blur", () => this.keys.reset(), options);
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  end() {
    clearInterval(this.timer);
    this.ended.abort();
    this.question.end();
    this.root.remove();
  }

  update(facts, emit) {
    [this.facts, this.emit, this.heardAt] = [facts, emit, performance.now()];
    this.outbox.take(facts.answers);
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

  send() {
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

  /** What is known of it: the desk's word, and what became of the last press as long as the desk has not said it. */
  words(engaged, isSilent) {
    const [line] = this.outbox.lines(performance.now(), 1);
    const entry = this.outbox.entries.at(-1);
    const isOpen = entry && !(entry.answer?.final && (entry.answer.tone === "bad" || entry.order.engaged === engaged));
    if (isSilent) return isOpen ? `${line.title}: ${line.text}` : "State unknown: the server does not answer";
    if (line && (isOpen || line.tone === "bad") && line.text) return `${line.title}: ${line.text}`;
    return engaged ? "Engaged: every order is refused" : "";
  }
}
