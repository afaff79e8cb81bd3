// The alarm is raised when something begins, once, and not by what was so before or by a change of page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { news } from "../../../services/ui/src/telemetry_ui/assets/alarm.js";

const CALM = { state: "live", lines: [], refused: null };
const KILLED = { ...CALM, lines: [{ code: "kill_switch", severity: "warning", title: "The kill switch is engaged", detail: "All is refused." }] };
const AWAY = { ...CALM, state: "away", lines: [{ code: "ingest_away", severity: "error", title: "Ingest is away", detail: "No trades." }] };
const refused = (id) => ({ ...CALM, refused: [id, "BUY 1 X was refused", "Too large."] });
const kinds = (before, after) => news(before, after).map(({ kind }) => kind);

test("what was so when the page was opened raises nothing", () => {
  for (const part of [CALM, KILLED, AWAY, refused("a")]) assert.deepEqual(news(null, part), []);
});

test("what begins raises one alarm with its words, what goes on none, and what ends none", () => {
  assert.deepEqual(news(CALM, KILLED), [{ kind: "kill_switch", title: "The kill switch is engaged", text: "All is refused." }]);
  assert.deepEqual(news(CALM, AWAY), [{ kind: "away", title: "Ingest is away", text: "No trades." }]);
  assert.deepEqual(news(CALM, refused("a")), [{ kind: "refused", title: "BUY 1 X was refused", text: "Too large." }]);
  for (const part of [KILLED, AWAY, refused("a")]) {
    assert.deepEqual(news(part, part), []);
    assert.deepEqual(news(part, CALM), []);
  }
});

test("a second refusal is another alarm, and a blotter that comes back is the old one", () => {
  assert.deepEqual(kinds(refused("a"), refused("b")), ["refused"]);
  assert.deepEqual(kinds(refused("a"), refused("a")), []);
});

test("several things at once are several alarms", () => {
  assert.deepEqual(kinds(CALM, { ...AWAY, lines: [...AWAY.lines, ...KILLED.lines], refused: ["a", "x", "y"] }), ["away", "kill_switch", "refused"]);
});

test("away without a line says so all the same", () => {
  assert.deepEqual(news(CALM, { ...CALM, state: "away" })[0].title, "The data is away");
});
