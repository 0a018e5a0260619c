/** The exact interval of a share, from the binomial distribution (Clopper & Pearson 1934), by bisection. */
export function clopperPearson(count: number, of: number, level: number): [number, number] {
  const tail = (1 - level) / 2;
  return [
    count === 0 ? 0 : bisect((p) => 1 - cumulative(count - 1, of, p) > tail),
    count === of ? 1 : bisect((p) => cumulative(count, of, p) < tail),
  ];
}

/** Where a condition that is false at 0 and true at 1 becomes true. */
function bisect(holds: (p: number) => boolean): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The chance of at most `count` of `of`. */
function cumulative(count: number, of: number, p: number): number {
  let term = of * Math.log1p(-p);
  let sum = Math.exp(term);
  for (let k = 1; k <= count; k++) {
    term += Math.log((of - k + 1) / k) + Math.log(p) - Math.log1p(-p);
    sum += Math.exp(term);
  }
  return sum;
}
