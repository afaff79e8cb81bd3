// The line on top of every page. It is drawn into the slot that the page keeps for it, so that it may stay in sight.
import { alarm } from "./alarm.js";
import { escape, setText } from "./text.js";

export class Banner {
  constructor(root) {
    this.own = document.createElement("div");
    this.root = root;
    this.part = null;
    this.notice = document.createElement("div");
    this.notice.className = "tt-stalled";
    this.notice.setAttribute("role", "status");
    document.body.append(this.notice);
  }

  update(part) {
    this.part = part;
    const slot = document.getElementById("tt-banner") ?? this.own;
    if (slot === this.own && !this.own.isConnected) this.root.parentElement?.prepend(this.own);
    const html = render(part);
    // A screen reader hears a line when it is new: what has not changed is left alone.
    const lines = part_of(slot, "tt-problems", "status");
    if (lines.dataset.html !== html.lines) {
      lines.dataset.html = html.lines;
      lines.innerHTML = html.lines;
    }
    const state = part_of(slot, "tt-live");
    if (state.dataset.html !== html.state) {
      state.dataset.html = html.state;
      state.innerHTML = html.state;
    }
    document.documentElement.classList.toggle("tt-faded", part.faded);
    this.offerAlarm(slot);
    alarm().take(part);
  }

  offerAlarm(slot) {
    let button = slot.querySelector(":scope > .tt-alarm");
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      button.className = "tt-alarm tt-button";
      button.title = "Sound and desktop notification when an order is refused, the kill switch is engaged, or a part is away";
      button.addEventListener("click", async () => {
        await alarm().toggle();
        this.showAlarm(button);
      });
      slot.append(button);
    }
    this.showAlarm(button);
  }

  showAlarm(button) {
    setText(button, alarm().words);
    button.setAttribute("aria-pressed", String(alarm().isOn));
  }

  stall(on) {
    alarm().stall(on);
    this.notice.textContent = on ? "Not updated for over 3 s" : "";
  }

  close() {
    this.notice.remove();
    this.own.remove();
    document.documentElement.classList.remove("tt-faded");
  }
}

function part_of(slot, name, role) {
  let found = slot.querySelector(`:scope > .${name}`);
  if (!found) {
    found = document.createElement("div");
    found.className = name;
    if (role) found.setAttribute("role", role);
    slot.append(found);
  }
  return found;
}

function render(part) {
  const lines = part.lines
    .map(
      (one) =>
        `<div class="tt-problem ${one.severity}"><b>${escape(one.title)}</b>` +
        (one.since ? `<span>since ${escape(one.since)}</span>` : "") +
        (one.detail ? `<span>${escape(one.detail)}</span>` : "") +
        `</div>`,
    )
    .join("");
  const facts = part.facts.map((fact) => `<span>${escape(fact)}</span>`).join("");
  const state = `<span class="tt-state tt-state-${part.state}"><i class="tt-dot"></i><b>${escape(part.word)}</b></span>${facts}`;
  return { lines, state };
}
