import type { Dataset } from '../../data/dataset.ts';
import { goesStepByStep } from '../../monitor/jacobian.ts';
import { type LookOptions, lookAt, lookShape } from '../../monitor/look.ts';
import type { Monitor } from '../../monitor/monitor.ts';
import { monitors } from '../../monitor/monitors.ts';
import { losses } from '../../network/loss/losses.ts';
import type { Network } from '../../network/network.ts';
import { passMemory } from '../../network/unroll/passMemory.ts';
import { Unrolled } from '../../network/unroll/unrolled.ts';
import { longestOf } from '../../training/batchOrder.ts';
import { constantLossPieces } from '../../training/constantPredictor.ts';
import { Evaluator } from '../../training/evaluator.ts';
import type { TrainingOptions } from '../../training/options.ts';
import { type ProfileLine, planLooks } from '../../training/profiler.ts';
import type { Examination, NetworkLook } from './examination.ts';
import { Probes } from './probes.ts';
import { usagePieces } from './usage.ts';

/** Targets whose inputs are exchanged, steps of them, multiplications with additions of all passes (some seconds), and bytes of one. */
const mostTargets = 512;
const usualSteps = 512;
const mostWork = 2e10;
const mostBytes = 2 ** 28;
const fewTargets = 32;

/** What the gradient horizon is made of, and what is said of the network beside. */
export const reachMonitors: readonly string[] = ['saturation', 'half-life', 'lag-profile', 'lag-contribution'];
const allMonitors: readonly string[] = [...reachMonitors, 'jacobian', 'transport', 'lyapunov'];
/** Numbers of state from which the monitors of many Jacobians are left out of a look. */
const mostState = 600;

export type NetworkSide = Pick<Examination, 'finite' | 'loss' | 'usage' | 'look'> & {
  readonly lines: readonly ProfileLine[];
  /** What there was no time for. */
  readonly cutShort: readonly string[];
};

/** Whether every weight is finite. */
export function isFiniteNetwork({ parameters, backend }: Network): boolean {
  return backend.firstNonFinite(parameters.values, 0, parameters.length) < 0;
}

/**
 * Takes one look at a network as it is, after so many updates.
 *
 * @param training how it was trained, which says how far beyond a window a look has to go; null where it is not known.
 */
export function lookOnce(
  network: Network,
  dataset: Dataset,
  { training, update, names = reachMonitors }: { training: TrainingOptions | null; update: number; names?: readonly string[] },
): ProfileLine[] {
  const chosen = monitors.filter(({ name }) => names.includes(name));
  const shape =
    (training && planLooks(network, dataset, { ...training, monitors: names })) ?? lookShape(network, dataset, chosen, lookOptions);
  return lookAt(shape, { seed: training?.seed ?? 0, update }, (look) =>
    chosen.map((monitor: Monitor) => {
      const value = monitor.measure(look) ?? null;
      return { update, monitor: monitor.name, over: { sequences: look.batch.B, steps: look.batch.T }, value };
    }),
  );
}

const lookOptions: LookOptions = { sequences: 32 };

/**
 * Measures one network on data that it may or may not have been trained on: its loss, which inputs it uses, and a look with all monitors.
 * The network's weights are left as they are. In pieces: whoever asks for the next may do something else in between.
 *
 * @param windows of the usage, ascending.
 */
export function* examinePieces(
  network: Network,
  { train, validation }: { readonly train: Dataset; readonly validation: Dataset },
  options: {
    readonly training: TrainingOptions | null;
    readonly windows: readonly number[];
    readonly update: number;
    /** Of it all; without bound by default. */
    readonly seconds?: number;
  },
): Generator<undefined, NetworkSide> {
  const { backend } = network;
  const { training, windows, update, seconds = Number.POSITIVE_INFINITY } = options;
  const began = performance.now();
  const until = (share: number) => () => performance.now() - began > 1000 * seconds * share;
  const cutShort: string[] = [];
  const constant = yield* toTheEnd(constantLossPieces(train, validation, backend));
  if (!isFiniteNetwork(network))
    return { finite: false, loss: { model: null, error: Number.NaN, constant }, usage: null, look: null, lines: [], cutShort };
  const mark = backend.mark();
  try {
    const evaluator = new Evaluator(network, validation, training?.batchSize ?? 32);
    const evaluation = yield* asFarAs(evaluator.pieces(), until(0.4));
    if (evaluation === undefined || evaluation.share < 1) cutShort.push('loss on the validation part');
    backend.release(mark);
    const probes = new Probes(backend, validation, { ...probesWithin(network, validation, windows), seed: training?.seed ?? 0 });
    const { T, B } = probes.batch;
    const usage = yield* usagePieces(new Unrolled(network, T, B), probes, losses[validation.loss], windows, until(0.75));
    if (usage.points.length < windows.filter((window) => window < T).length) cutShort.push('inputs that the network uses');
    // Of what there was no time to measure whole, the part stands for it, and at least the probes have been run.
    const model = evaluation?.loss ?? usage.loss;
    backend.release(mark);
    const wide = network.L * network.cell.states.length * network.H > mostState;
    const brief = wide || until(0.75)();
    const names = brief ? reachMonitors : allMonitors.filter((name) => name !== 'jacobian' || goesStepByStep(network));
    const lines = lookOnce(network, train, { training, update, names });
    yield;
    const of = <Value>(name: string) => (lines.find(({ monitor }) => monitor === name)?.value ?? null) as Value;
    const look: NetworkLook = {
      lagProfile: of<NetworkLook['lagProfile']>('lag-profile'),
      saturation: of<NetworkLook['saturation']>('saturation'),
      halfLife: of<NetworkLook['halfLife']>('half-life'),
      jacobian: of<NetworkLook['jacobian']>('jacobian'),
      transport: of<NetworkLook['transport'] | null>('transport') ?? { points: [], sequences: 0 },
      lyapunov: of<NetworkLook['lyapunov'] | null>('lyapunov') ?? { exponents: [], sequences: 0, steps: 0 },
    };
    // The evaluation has more targets than the probes.
    const error = usage.error * Math.sqrt(usage.targets / Math.max(usage.targets, targetsOf(validation)));
    return { finite: true, loss: { model, error, constant }, usage, look, lines, cutShort };
  } finally {
    backend.release(mark);
  }
}

/** Targets and steps of the probes, so that their passes stay within the work and the memory: fewer targets first, then fewer steps. */
function probesWithin(network: Network, dataset: Dataset, windows: readonly number[]): { count: number; steps: number } {
  const wanted = Math.max(usualSteps, 2 * (windows.at(-1) ?? 0));
  let steps = Math.min(longestOf(dataset), wanted);
  let count = mostTargets;
  for (;;) {
    const pass = passMemory(network, dataset.target, count);
    const work = count * steps * network.parameters.length * (2 * windows.length + 1);
    if (work <= mostWork && pass.fixed + pass.perStep * steps <= mostBytes) return { count, steps };
    if (count > fewTargets) count = Math.ceil(count / 2);
    else if (steps > 1) steps = Math.ceil(steps / 2);
    else return { count, steps };
  }
}

/** Independent targets of a data set, at least: a sequence counts as one. */
const targetsOf = ({ count }: Dataset) => count;

/** Runs pieces of work until they should stop; what the last one gave, or the whole. */
function* asFarAs<Value>(pieces: Generator<Value | undefined, Value>, late: () => boolean): Generator<undefined, Value | undefined> {
  let last: Value | undefined;
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value as Value;
    last = value ?? last;
    if (late()) return last;
    yield;
  }
}

/** Runs pieces of work, whose own values nobody needs, to the end. */
function* toTheEnd<Value>(pieces: Generator<unknown, Value>): Generator<undefined, Value> {
  for (;;) {
    const { done, value } = pieces.next();
    if (done) return value as Value;
    yield;
  }
}
