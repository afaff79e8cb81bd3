// The last time that somebody asked for another page in this tab: noted whether a board is on the page or not, as each
// board is mounted late, perhaps after the click that leaves its page.
export class Leaving {
  count = 0;
  atMs = -Infinity;
  to = null; // the address that was asked for

  listen() {
    document.addEventListener("click", (event) => this.noteClick(event), { capture: true });
    window.addEventListener("popstate", () => this.begin(location.pathname));
    return this;
  }

  noteClick(event) {
    const link = event.composedPath().find((one) => one instanceof HTMLAnchorElement && one.href);
    const isElsewhere = event.ctrlKey || event.metaKey || event.shiftKey; // in another tab or window
    if (!link || isElsewhere || link.target === "_blank" || link.download || link.origin !== location.origin) return;
    if (link.pathname !== location.pathname) this.begin(link.pathname);
  }

  begin(to) {
    this.count += 1;
    this.atMs = performance.now();
    this.to = to;
  }
}

export const leaving = new Leaving();
if (globalThis.document) leaving.listen();
