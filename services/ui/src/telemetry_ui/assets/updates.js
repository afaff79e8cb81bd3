// Which update a board may draw. Pure.

/**
 * What an update is to what was drawn last: `same` (only the theme has changed), `next`, or `gap`: one before it was lost.
 *
 * @param {{run: string | null, number: number}} drawn
 * @param {{run: string, number: number, whole: boolean}} update
 */
export function standing(drawn, update) {
  const isOfRun = update.run === drawn.run;
  if (isOfRun && update.number === drawn.number) return "same";
  return update.whole || (isOfRun && update.number === drawn.number + 1) ? "next" : "gap";
}
