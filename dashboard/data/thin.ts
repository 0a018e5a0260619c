/** Points of a curve that are drawn at most. */
const most = 700;

export interface Thinned {
  readonly x: number[];
  readonly mean: (number | null)[];
  /** Absent where every point is drawn. */
  readonly low?: (number | null)[];
  readonly high?: (number | null)[];
}

/** A curve in at most 700 spans of equally many points: the mean, least and largest of what is finite in each, at its last point. */
export function thin<Point>(points: readonly Point[], xOf: (point: Point) => number, yOf: (point: Point) => number): Thinned {
  const every = Math.max(1, Math.ceil(points.length / most));
  const x: number[] = [];
  const [mean, low, high]: (number | null)[][] = [[], [], []];
  for (let first = 0; first < points.length; first += every) {
    const span = points.slice(first, first + every);
    const values = span.map(yOf).filter(Number.isFinite);
    x.push(xOf(span[span.length - 1]));
    mean.push(values.length === 0 ? null : values.reduce((sum, each) => sum + each, 0) / values.length);
    low.push(values.length === 0 ? null : Math.min(...values));
    high.push(values.length === 0 ? null : Math.max(...values));
  }
  return every === 1 ? { x, mean } : { x, mean, low, high };
}
