import { kindOf, type ResultScale } from './resultScale.ts';
import { extentOf, scaleOver, type Tick } from './scales.ts';

/** An axis of parallel coordinates: values in their order, evenly spaced, or where numbers say. */
export interface ParallelAxis {
  readonly label: string;
  readonly values: readonly string[];
  /** Of each value; null where they are words. */
  readonly numbers: readonly number[] | null;
}

/** A line across all axes. */
export interface ParallelLine {
  readonly name: string;
  /** Its place among the values of each axis; null ends the line before it. */
  readonly at: readonly (number | null)[];
  /** What it is coloured by; null is a failure. */
  readonly result: number | null;
}

/** Lines over several axes, of which the last is what they are coloured by. */
export interface ParallelFigure {
  readonly axes: readonly ParallelAxis[];
  readonly lines: readonly ParallelLine[];
  readonly scale: ResultScale;
  readonly summary: string;
}

/** Places of the first and last value of an axis that are kept, counted from 0. */
export type Brush = readonly [first: number, last: number] | undefined;

/** A failure stands apart from the numbers, by this share of the axis. */
const apart = 0.12;

/** Where on an axis its values stand, from 0 at its lower end to 1, and what is written beside it. */
export interface AxisPlaces {
  readonly places: readonly number[];
  /** At places from 0 to 1. */
  readonly ticks: readonly Tick[];
}

/**
 * @param most ticks that have room.
 * @param worst which end a value that is no number (NaN among the numbers) stands at, apart from the others.
 */
export function axisPlaces({ values, numbers }: ParallelAxis, most: number, worst: 'top' | 'bottom' = 'top'): AxisPlaces {
  if (numbers === null) return evenly(values, most);
  const finite = numbers.filter(Number.isFinite);
  const failures = finite.length < numbers.length;
  const [low, high] = failures ? (worst === 'top' ? [0, 1 - apart] : [apart, 1]) : [0, 1];
  const scale = scaleOver(kindOf(finite), extentOf(kindOf(finite), [finite], 0), [low, high], Math.min(5, most));
  const places = numbers.map((each) => (Number.isFinite(each) ? scale(each) : worst === 'top' ? 1 : 0));
  const close = places.some((place, index) => index > 0 && Math.abs(place - places[index - 1]) < 0.7 / most);
  const own = values.map((label, index) => ({ at: places[index], label }));
  const failed = own.filter((_, index) => !Number.isFinite(numbers[index]));
  if (values.length <= most && !close) return { places, ticks: own };
  return { places, ticks: [...scale.ticks.map(({ at, label }) => ({ at: scale(at), label })), ...failed] };
}

function evenly(values: readonly string[], most: number): AxisPlaces {
  const places = values.map((_, index) => (values.length === 1 ? 0.5 : index / (values.length - 1)));
  const every = Math.max(1, Math.ceil(values.length / most));
  return { places, ticks: values.flatMap((label, index) => (index % every === 0 ? [{ at: places[index], label }] : [])) };
}

/** Whether a line is within every brush. */
export const isKept = ({ at }: ParallelLine, brushes: readonly Brush[]): boolean =>
  brushes.every((brush, axis) => {
    const place = at[axis];
    return brush === undefined || (place !== null && place !== undefined && place >= brush[0] && place <= brush[1]);
  });

/** The values between two places of an axis, in either order, as a brush; the nearest one where there is none between. */
export function brushBetween(places: readonly number[], from: number, to: number): Brush {
  if (places.length === 0) return undefined;
  const [low, high] = from < to ? [from, to] : [to, from];
  const inside = places.flatMap((place, index) => (place >= low && place <= high ? [index] : []));
  if (inside.length > 0) return [Math.min(...inside), Math.max(...inside)];
  const middle = (low + high) / 2;
  const nearest = places.reduce((best, place, index) => (Math.abs(place - middle) < Math.abs(places[best] - middle) ? index : best), 0);
  return [nearest, nearest];
}

/** A brush moved, grown or begun by a key; undefined for a key that does nothing, null for one that takes it away. */
export function brushByKey(brush: Brush, count: number, key: string, shift: boolean): Brush | null {
  const last = count - 1;
  const within = (place: number) => Math.min(last, Math.max(0, place));
  if (key === 'Escape' || key === 'Delete' || key === 'Backspace') return null;
  if (key === 'Home') return [0, 0];
  if (key === 'End') return [last, last];
  const step = key === 'ArrowUp' || key === 'ArrowRight' ? 1 : key === 'ArrowDown' || key === 'ArrowLeft' ? -1 : 0;
  if (step === 0) return undefined;
  if (brush === undefined) return step > 0 ? [0, 0] : [last, last];
  if (shift) return step > 0 ? [brush[0], within(brush[1] + 1)] : [within(brush[0] - 1), brush[1]];
  const width = brush[1] - brush[0];
  const first = Math.min(last - width, Math.max(0, brush[0] + step));
  return [first, first + width];
}
