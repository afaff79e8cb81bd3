/** Small pieces of DOM that ticket and kill switch share. */

/** Makes an element: properties, `data` attributes, ARIA and others by name, children. Text is never read as HTML. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Sets a text only if it changes, so that a screen reader does not read it again and a selection stays. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides. */
export function show(element, isShown) {
  element.hidden = !isShown;
}

/**
 * Makes one press of a button one action: a double click counts once, and so does a key that is held.
 *
 * @param {(at: number) => void} action called with the time of the press, which a busy browser hears of later
 */
export function onPress(button, action) {
  button.addEventListener("click", (event) => {
    if (event.detail > 1) return; // the second half of a double click
    action(event.timeStamp);
  });
  button.addEventListener("keydown", ignoreRepeat);
}

/** Keeps a held Enter or Space from pressing again and again. */
export function ignoreRepeat(event) {
  if (event.repeat && (event.key === "Enter" || event.key === " ")) event.preventDefault();
}

/** A store in the tab: it survives a reload, and goes with the tab. Without one (private modes) nothing is kept. */
export function tabStore(key, otherwise) {
  return {
    load() {
      try {
        return JSON.parse(sessionStorage.getItem(key)) ?? otherwise;
      } catch {
        return otherwise;
      }
    },
    save(value) {
      try {
        sessionStorage.setItem(key, JSON.stringify(value));
      } catch {
        // A full or forbidden store costs the memory over a reload, no more.
      }
    },
  };
}
