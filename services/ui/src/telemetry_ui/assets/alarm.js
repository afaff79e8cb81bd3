// Sound and desktop notification for what nobody should miss: orders refused, the kill switch, a part that is away. Off
// until a person turns it on; the browser remembers that.

const KEPT_AS = "telemetry-alarm";
const TONES = { refused: [440, 330], kill_switch: [880, 660, 880], away: [330, 330, 330] }; // Hz, one after the other
const TONE_S = 0.14;
const ONE_TAB_FOR_MS = 3000;

/**
 * What is new in a banner since the one before: only what began, not what goes on. Pure.
 *
 * @returns {{kind: string, title: string, text: string}[]}
 */
export function news(before, after) {
  if (!before || !after) return []; // what was so when the page was opened is on the screen
  const found = [];
  if (after.state === "away" && before.state !== "away") found.push(away(after));
  const killed = lineOf(after, "kill_switch");
  if (killed && !lineOf(before, "kill_switch")) found.push({ kind: "kill_switch", title: killed.title, text: killed.detail });
  const [id, title, text] = after.refused ?? [];
  if (id && id !== before.refused?.[0]) found.push({ kind: "refused", title, text });
  return found;
}

function away(part) {
  const line = part.lines.find((one) => one.severity === "error");
  return { kind: "away", title: line?.title ?? "The data is away", text: line?.detail ?? "" };
}

function lineOf(part, code) {
  return part.lines.find((one) => one.code === code);
}

class Alarm {
  constructor() {
    this.isOn = load() === "on";
    this.part = null;
    this.isStalled = false;
    // A browser makes no sound on a page that nobody has touched yet.
    if (this.isOn) addEventListener("pointerdown", () => this.tune(), { once: true, capture: true });
  }

  take(part) {
    const found = news(this.part, part);
    this.part = part;
    for (const one of found) this.raise(one);
  }

  stall(isStalled) {
    if (isStalled && !this.isStalled) this.raise({ kind: "away", title: "The page is not updated", text: "Its server does not answer." });
    this.isStalled = isStalled;
  }

  raise(one) {
    if (this.isOn) inOneTab(`${one.kind} ${one.title} ${one.text}`, () => this.sound(one));
  }

  sound({ kind, title, text }) {
    this.play(TONES[kind]);
    if (globalThis.Notification?.permission !== "granted") return;
    this.notice = new Notification(title, { body: text, tag: `telemetry ${kind}` });
  }

  play(tones) {
    const audio = this.tune();
    if (!audio) return;
    tones.forEach((hz, place) => beep(audio, hz, audio.currentTime + place * TONE_S * 1.5));
  }

  /** The audio of the tab, awake if the browser lets it be. */
  tune() {
    if (!globalThis.AudioContext) return null;
    this.audio ??= new AudioContext();
    this.audio.resume();
    return this.audio;
  }

  /** Turned on or off by a person: with the first sound as the proof that it can be heard. */
  async toggle() {
    this.isOn = !this.isOn;
    save(this.isOn ? "on" : "off");
    if (!this.isOn) return;
    this.play(TONES.refused);
    if (globalThis.Notification?.permission === "default") await Notification.requestPermission();
  }

  get words() {
    if (!this.isOn) return "Alarm off";
    return globalThis.Notification?.permission === "granted" ? "Alarm on" : "Alarm on, sound only";
  }
}

function beep(audio, hz, at) {
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = hz;
  volume.gain.setValueAtTime(0.15, at);
  volume.gain.exponentialRampToValueAtTime(0.001, at + TONE_S);
  tone.connect(volume).connect(audio.destination);
  tone.start(at);
  tone.stop(at + TONE_S);
}

/** Four tabs are one alarm. Where the browser has no locks (a page without TLS on another machine) each sounds. */
function inOneTab(name, action) {
  if (!navigator.locks) return action();
  navigator.locks.request(`telemetry alarm ${name}`, { ifAvailable: true }, (lock) => {
    if (!lock) return null;
    action();
    return new Promise((done) => {
      setTimeout(done, ONE_TAB_FOR_MS);
    });
  });
}

function load() {
  try {
    return localStorage.getItem(KEPT_AS);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function save(value) {
  try {
    localStorage.setItem(KEPT_AS, value);
  } catch {
    // Then it is for this tab only.
  }
}

let tab = null;

/** The tab's alarm: it outlives boards, as a change of page is no news. */
export function alarm() {
  tab ??= new Alarm();
  return tab;
}
