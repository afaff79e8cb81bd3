/** The last time that somebody asked for another page in this tab: noted whether a component is on the page or not. */
export class Navigation {
  count = 0;
  at = -Infinity;
  from = null;

  /** Another page was asked for, on the page `from`; null if the address has changed before anybody heard of it. */
  begin(from, now) {
    this.count += 1;
    [this.at, this.from] = [now, from];
  }

  /** Listens for as long as the tab lives. */
  listen() {
    document.addEventListener("click", (event) => this.onClick(event), { capture: true });
    window.addEventListener("popstate", () => this.begin(null, performance.now()));
    return this;
  }

  onClick(event) {
    const isElsewhere = event.ctrlKey || event.metaKey || event.shiftKey; // in another tab or window
    const link = event.composedPath().find((one) => one instanceof HTMLAnchorElement && one.href);
    const isOther = link && link.origin === location.origin && link.pathname !== location.pathname && link.target !== "_blank";
    if (isOther && !isElsewhere) this.begin(location.pathname, performance.now());
  }
}

/**
 * The one of this tab. A component is mounted late, perhaps after the click that leaves its page, and each has modules of
 * its own: the browser loads them once for each component.
 */
export function ofThisTab() {
  const name = Symbol.for("telemetry_ticket.navigation");
  globalThis[name] ??= new Navigation().listen();
  return globalThis[name];
}
