import { showBytes } from '../../compute/bytes.ts';
import type { PassMemory } from './passMemory.ts';
import { type PlanName, plans } from './plan/plans.ts';

/** How a pass of at most T steps of B sequences is held in memory. */
export interface MemoryPlan {
  /** `plain`: all steps at once. */
  readonly plan: 'plain' | PlanName;
  readonly T: number;
  readonly B: number;
  /** Steps that are held at a time; the first segment may be shorter. */
  readonly segmentSteps: number;
  readonly segments: number;
  /** States that are kept. */
  readonly slots: number;
  /** Of the pass: what is held, the batch, the states kept. */
  readonly bytes: number;
  /** Steps that are run forward beside the once that plain backpropagation does, over T. */
  readonly extraForward: number;
}

/** What a call for one more segment costs, in steps: what keeps segments from becoming too short where slots are few. */
const callSteps = 8;
/** More forward passes than this are refused: a little more memory saves most of them. */
const mostForward = 10;
/** Numbers of slots that are tried. */
const mostSlots = 4096;

/** Begin of segment `index`, of which the last ends with step T: all have `segmentSteps` but the first, which may be shorter. */
export function segmentBegin(index: number, T: number, segmentSteps: number): number {
  return index === 0 ? 0 : T - (Math.ceil(T / segmentSteps) - index) * segmentSteps;
}

/**
 * The way through T steps that runs the fewest of them again within `limit` bytes: all at once where that fits; else every state
 * between segments kept, the segments as long as fits; else the binomial schedule, with the segments and slots that cost least.
 * Undefined where nothing fits, or nothing but what would run every step more than 10 times again.
 *
 * @param states kept beside the plan's own, such as the one that the next pass begins with.
 */
export function planMemory(memory: PassMemory, T: number, B: number, limit: number, states = 0): MemoryPlan | undefined {
  const choice = choose(memory, T, limit - states * memory.perState);
  if (!choice) return undefined;
  const { plan, segmentSteps, slots } = choice;
  const segments = Math.ceil(T / segmentSteps);
  const bytes = memory.fixed + memory.perStep * segmentSteps + (slots + states) * memory.perState;
  let advanced = 0;
  if (plan !== 'plain') {
    for (const action of plans[plan].actions(segments, slots)) {
      if (action.kind !== 'advance') continue;
      advanced += segmentBegin(action.until, T, segmentSteps) - segmentBegin(action.segment, T, segmentSteps);
    }
  }
  return { plan, T, B, segmentSteps, segments, slots, bytes, extraForward: advanced / T };
}

/** The least limit for which `planMemory` finds a plan. */
export function leastMemory(memory: PassMemory, T: number, states = 0): number {
  let [below, enough] = [memory.fixed, memory.fixed + memory.perStep * T];
  while (enough - below > 1) {
    const middle = Math.floor((below + enough) / 2);
    if (choose(memory, T, middle)) enough = middle;
    else below = middle;
  }
  return enough + states * memory.perState;
}

type Choice = Pick<MemoryPlan, 'plan' | 'segmentSteps' | 'slots'>;

function choose({ fixed, perStep, perState }: PassMemory, T: number, limit: number): Choice | undefined {
  const room = limit - fixed;
  if (perStep * T <= room) return { plan: 'plain', segmentSteps: T, slots: 0 };
  // With more segments the longest that fit are shorter: the first number of segments that fits is the best.
  for (let segments = 2; (segments - 1) * perState < room && segments <= T; segments++) {
    const segmentSteps = Math.floor((room - (segments - 1) * perState) / perStep);
    if (segmentSteps * segments >= T) return { plan: 'squareRoot', segmentSteps, slots: segments - 1 };
  }
  let best: { choice: Choice; cost: number; again: number } | undefined;
  for (let slots = 1; slots <= mostSlots; slots++) {
    const segmentSteps = Math.floor((room - slots * perState) / perStep);
    if (segmentSteps < 1) break;
    const segments = Math.ceil(T / segmentSteps);
    const advanced = plans.binomial.advanced(segments, slots);
    const cost = (advanced + segments) * (segmentSteps + callSteps);
    if (!best || cost < best.cost) best = { choice: { plan: 'binomial', segmentSteps, slots }, cost, again: advanced * segmentSteps };
  }
  return best && best.again <= mostForward * T ? best.choice : undefined;
}

/** A plan in one line: `1000000 steps in 11 segments of 96000, ...`. */
export function describePlan({ plan, T, B, segmentSteps, segments, slots, bytes, extraForward }: MemoryPlan): string {
  const what = `${T} steps of ${B} sequence${B === 1 ? '' : 's'}`;
  if (plan === 'plain') return `${what} at once (plain), ${showBytes(bytes)}`;
  const states = `${slots} state${slots === 1 ? '' : 's'} kept`;
  return `${what} in ${segments} segments of ${segmentSteps}, ${states} (${plan}), ${showBytes(bytes)}, ${extraForward.toFixed(2)} forward passes more than plain`;
}
