/** Lags at which dependences are planted, at most. */
const powerLags = 6;

/** 0 and the powers of two below W. */
export function rungsBelow(W: number): number[] {
  const rungs = [0];
  for (let window = 1; window < W; window *= 2) rungs.push(window);
  return rungs;
}

/**
 * The rung to test next: halfway between the longest window beyond which something was found and the shortest longer one beyond which nothing
 * was, so that there is an answer soon; then what has been passed over, the longest first.
 */
export function nextRung(rungs: readonly number[], lowest: number, tested: ReadonlySet<number>): number | undefined {
  const above = rungs.filter((rung) => rung > lowest);
  const first = above.findIndex((rung) => tested.has(rung));
  const between = first < 0 ? above : above.slice(0, first);
  if (between.length > 0) return between[Math.floor(between.length / 2)];
  return above.filter((rung) => !tested.has(rung)).pop();
}

/** Lags from the horizon on at which a dependence is planted: a few, spread evenly in their logarithm. */
export function lagsFrom(horizon: number, W: number): number[] {
  if (horizon > W - 1) return [];
  const lags = new Set<number>();
  for (let i = 0; i < powerLags; i++) {
    lags.add(Math.round((horizon + 1) * (W / (horizon + 1)) ** (i / (powerLags - 1))) - 1);
  }
  return [...lags].filter((lag) => lag < W);
}
