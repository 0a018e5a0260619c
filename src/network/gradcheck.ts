import type { Reals } from '../compute/backend.ts';
import { Random, seedFor } from '../compute/random.ts';
import { ThroughtimeError } from '../errors.ts';
import type { Batch } from './batch.ts';
import { checkDerivative, type DerivativeCheck } from './derivative.ts';
import type { Loss } from './loss/loss.ts';
import type { Network } from './network.ts';
import { Unrolled } from './unroll/unrolled.ts';

/** How a network's gradient is checked. */
export interface GradcheckOptions {
  /** Largest relative difference between the two; 1e-6 by default. */
  readonly tolerance?: number;
  /** At most this many numbers of each parameter are checked, drawn at random; all by default. */
  readonly sample?: number;
  /** Of that draw; 0 by default. */
  readonly seed?: number;
  /** Seed of the dropout masks, the same in every pass; without it nothing is dropped. */
  readonly dropoutSeed?: number;
  /**
   * The window before, as in truncated BPTT: the state after `steps` of its steps is where the batch begins, and counts as
   * a constant that no parameter moves. Without it the batch begins at 0.
   */
  readonly carried?: { readonly batch: Batch; readonly steps: number };
}

/** One array of numbers whose gradient was checked: a parameter, the input, or a state before the first step. */
export interface ArrayCheck {
  /** A parameter's name, `input`, or `state h_l0`. */
  readonly name: string;
  /** How many numbers it has, and how many of them were checked. */
  readonly length: number;
  readonly checked: number;
  /** How many lie at a kink (of a ReLU), where there is no gradient but two one-sided slopes, and one of these was found. */
  readonly kinks: number;
  /** How many differ. */
  readonly wrong: number;
  readonly largestAbsolute: number;
  readonly largestRelative: number;
  /** The number with the largest relative difference: its place in the array, row-major, and its two derivatives. */
  readonly worst: { readonly index: number; readonly analytic: number; readonly numeric: number };
  readonly ok: boolean;
}

/** What `gradcheck` found. */
export interface GradcheckReport {
  readonly ok: boolean;
  /** Mean loss of the pass that was differentiated. */
  readonly loss: number;
  readonly checked: number;
  readonly kinks: number;
  readonly wrong: number;
  readonly largestRelative: number;
  /** The parameters in their order, then the input (where it is vectors), then the states before the first step. */
  readonly arrays: readonly ArrayCheck[];
}

/** Used where the options say nothing else. */
export const gradcheckDefaults = { tolerance: 1e-6, sample: Number.POSITIVE_INFINITY, seed: 0 } as const;

/**
 * Compares the gradient of backpropagation through time with central differences of the loss, number by number, for every
 * parameter, the input and the state before the first step. The batch and the parameters are as before afterwards;
 * `network.parameters.gradient` holds the gradient.
 *
 * @throws `OPTION_INVALID` for a network that does not compute in float64, whose rounding would hide the differences.
 */
export function gradcheck(network: Network, batch: Batch, loss: Loss, options: GradcheckOptions = {}): GradcheckReport {
  const { tolerance = gradcheckDefaults.tolerance, sample = gradcheckDefaults.sample, seed = gradcheckDefaults.seed } = options;
  const { dropoutSeed, carried } = options;
  const { backend, parameters, H, L, cell } = network;
  if (backend.precision !== 'float64') {
    throw new ThroughtimeError(
      'OPTION_INVALID',
      `a gradient is checked in float64, but the backend ${backend.name} computes in ${backend.precision}; use the backend scalar`,
    );
  }
  requirePositive('tolerance', tolerance);
  requirePositive('sample', sample);
  const { T, B } = batch;
  const unrolled = new Unrolled(network, Math.max(T, carried?.batch.T ?? 0), Math.max(B, carried?.batch.B ?? 0));
  if (carried) {
    unrolled.forward(carried.batch);
    unrolled.carry(carried.steps);
  }
  const forward = () => unrolled.forward(batch, { dropout: dropoutSeed });
  const lossNow = () => {
    network.changed();
    forward();
    return unrolled.loss(loss);
  };

  const vectors = batch.input.kind === 'vectors' ? T * B * batch.input.size : 0;
  const inputGradient = vectors > 0 ? backend.allocate(vectors) : undefined;
  forward();
  const value = unrolled.backward(loss, { inputGradient });

  const arrays: { name: string; values: Reals; gradient: Reals }[] = parameters.list.map(({ name }) => ({
    name,
    values: parameters.valuesOf(name),
    gradient: parameters.gradientOf(name).slice(),
  }));
  if (inputGradient) arrays.push({ name: 'input', values: batch.vectors.subarray(0, vectors), gradient: inputGradient });
  for (let layer = 0; layer < L; layer++) {
    const { states, history } = unrolled.layers[layer];
    for (const [index, name] of cell.states.entries()) {
      const values = states[index].subarray(0, history * B * H);
      arrays.push({ name: `state ${name}_l${layer}`, values, gradient: unrolled.layers[layer].initialGradient(index) });
    }
  }

  const checks = arrays.map(({ name, values, gradient }, index) => {
    const picked = drawn(values.length, sample, seedFor(seed, 'gradcheck', index));
    return checkArray(name, values, gradient, picked, lossNow, tolerance);
  });
  network.changed();
  return { ok: checks.every(({ ok }) => ok), loss: value, ...totals(checks), arrays: checks };
}

/** Sums and the maximum over several checks. */
export function totals(checks: readonly Pick<ArrayCheck, 'checked' | 'kinks' | 'wrong' | 'largestRelative'>[]) {
  const sum = { checked: 0, kinks: 0, wrong: 0, largestRelative: 0 };
  for (const { checked, kinks, wrong, largestRelative } of checks) {
    sum.checked += checked;
    sum.kinks += kinks;
    sum.wrong += wrong;
    sum.largestRelative = Math.max(sum.largestRelative, largestRelative);
  }
  return sum;
}

function checkArray(
  name: string,
  values: Reals,
  gradient: Reals,
  picked: readonly number[],
  lossNow: () => number,
  tolerance: number,
): ArrayCheck {
  let worst: { index: number; check: DerivativeCheck } | undefined;
  let kinks = 0;
  let wrong = 0;
  let largestAbsolute = 0;
  for (const index of picked) {
    const kept = values[index];
    const at = (offset: number) => {
      values[index] = kept + offset;
      return lossNow();
    };
    const check = checkDerivative(at, kept, gradient[index], tolerance);
    values[index] = kept;
    if (check.outcome === 'kink') kinks++;
    if (check.outcome === 'differs') wrong++;
    largestAbsolute = Math.max(largestAbsolute, check.absolute);
    if (!worst || !(check.relative <= worst.check.relative)) worst = { index, check };
  }
  const { index, check } = worst ?? { index: -1, check: { analytic: 0, numeric: 0, relative: 0 } };
  return {
    name,
    length: values.length,
    checked: picked.length,
    kinks,
    wrong,
    largestAbsolute,
    largestRelative: check.relative,
    worst: { index, analytic: check.analytic, numeric: check.numeric },
    ok: wrong === 0,
  };
}

/** Up to `count` different indices below `length`, ascending. */
function drawn(length: number, count: number, seed: number): number[] {
  const all = Array.from({ length }, (_, index) => index);
  if (count >= length) return all;
  new Random(seed).shuffle(all);
  return all.slice(0, Math.ceil(count)).sort((a, b) => a - b);
}

function requirePositive(name: string, value: number): void {
  if (!(value > 0)) throw new ThroughtimeError('OPTION_INVALID', `${name} is a number above 0, got ${value}`, { field: name });
}
