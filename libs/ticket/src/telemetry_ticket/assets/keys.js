/** Keys that send: a press is one order, however long it is held. Pure. */

/** Turns key events into presses; a key that was pressed counts again only after it was let go. */
export class Keys {
  /** @param {Record<string, string>} actions by letter, with Alt held */
  constructor(actions) {
    this.actions = actions;
    this.held = new Set();
  }

  /** The action that this event asks for; null if none. `isOurs` says whether the browser should leave the key to us. */
  down(event) {
    const letter = letterOf(event);
    const isOurs = letter in this.actions && hasOnlyAlt(event);
    if (!isOurs) return { isOurs: false, action: null };
    const isFirst = !event.repeat && !this.held.has(letter);
    this.held.add(letter);
    return { isOurs: true, action: isFirst ? this.actions[letter] : null };
  }

  /** A key was let go. */
  up(event) {
    this.held.delete(letterOf(event));
  }

  /** The window lost the keyboard: no event says which keys are released elsewhere. */
  reset() {
    this.held.clear();
  }
}

/** The letter on the key; where the layout or Alt makes another sign of it, by its place. */
function letterOf(event) {
  if (/^[a-z]$/i.test(event.key ?? "")) return event.key.toLowerCase();
  const found = /^Key([A-Z])$/.exec(event.code ?? "");
  return found ? found[1].toLowerCase() : "";
}

function hasOnlyAlt(event) {
  return event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.getModifierState?.("AltGraph");
}
