/**
 * Puts one instance of a component on the page, and keeps it while Streamlit takes it off and puts it on again.
 *
 * Streamlit drops what a run has drawn if the next run of the same fragment starts before it was sent, and mounts the
 * component anew: an instance of that mount would forget its orders and what has the focus. And a fragment that redraws by
 * itself does so at any time, also right after a press. So a component is mounted twice: once to be seen and to send, drawn
 * only when it sent something, and once as a feed, which only carries facts twice a second.
 */

const BACK_WITHIN_MS = 1_000;

/**
 * Makes the function that Streamlit calls.
 *
 * @param {() => object} make the instance: `root`, `hear(facts, emit)`, `arrive()`, `leave()`
 * @param {string} event the trigger's name
 */
export function stage(make, event) {
  let instance = null;
  let place = null;
  return ({ data, parentElement, setTriggerValue }) => {
    if (data.role === "feed") {
      if (place) instance.hear(data.facts, null);
      return () => {};
    }
    instance ??= make();
    if (place !== parentElement) {
      parentElement.append(instance.root);
      if (!place) instance.arrive();
      place = parentElement;
      focusAgain(instance);
    }
    instance.hear(data.facts, (value) => setTriggerValue(event, value));
    return () => {
      if (place !== parentElement) return; // it has moved to its next place already
      instance.root.remove();
      instance.leave();
      instance.leftAt = performance.now();
      place = null;
    };
  };
}

/** Notes what has the focus, as it is gone from the document before any event says so. */
export function rememberFocus(instance, signal) {
  const note = () => {
    instance.focused = instance.root.getRootNode().activeElement;
    instance.focusedAt = performance.now();
  };
  instance.root.addEventListener("focusin", note, { signal });
  // Taken away, an element loses the focus to nothing at once; a person gives it to something else.
  const forget = (event) => {
    if (event.relatedTarget !== null) instance.focused = null;
  };
  instance.root.addEventListener("focusout", forget, { signal });
}

function focusAgain(instance) {
  const isBack = performance.now() - (instance.leftAt ?? performance.now()) < BACK_WITHIN_MS;
  if (isBack && instance.focused && document.activeElement === document.body) instance.focused.focus();
}
