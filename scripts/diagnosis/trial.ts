import type { Backend } from '../../src/compute/backend.ts';
import { type Diagnosis, judged, type Measured, measured } from '../../src/diagnosis/diagnose.ts';
import { CourseRecorder } from '../../src/diagnosis/examination/course.ts';
import type { VerdictKind } from '../../src/diagnosis/verdict/verdict.ts';
import type { LagPoint } from '../../src/monitor/lagProfile.ts';
import type { ModelOptions } from '../../src/network/model.ts';
import { initialize, Network } from '../../src/network/network.ts';
import { Evaluator } from '../../src/training/evaluator.ts';
import { type TrainingOptions, trainingDefaults } from '../../src/training/options.ts';
import { type ProfileLine, Profiler } from '../../src/training/profiler.ts';
import { Trainer } from '../../src/training/trainer.ts';
import type { Made } from './made.ts';
import type { Place, Task } from './tasks.ts';

/** A training to be diagnosed, and what its truth is to be established by. */
export interface Trial {
  readonly family: string;
  readonly place: Place;
  readonly task: Task;
  readonly model: ModelOptions;
  readonly training: Partial<TrainingOptions>;
  /**
   * What the construction makes of it, where it does: data without anything far back, data too few to tell, or steps and weights that wreck the
   * training. `dependence`: something far back is needed, and the controls say what keeps a network from it.
   */
  readonly construction: 'nothing' | 'short' | 'faint' | 'wrecked' | 'dependence';
}

export interface Trained {
  readonly loss: number;
  readonly finite: boolean;
  /** Share of what the far inputs are worth that the loss shows to be learned. */
  readonly far: number;
}

const usualUpdates = 400;
const begun = 0.1;
const mostOfHard = 0.6;
/** A lag that any gradient gets to. */
const near = 4;
/** Share of the gradient at lag 0 that is not a vanished one, whatever is learned from it. */
const arrives = 0.03;
const lowest = 0.3;
/** Share of a sequence within which nothing is far back. */
const newest = 1 / 6;
const enough = 0.8;

/** Trains as asked; the lowest validation loss of those after each tenth of the updates. */
function train(backend: Backend, trial: Trial, data: Made, watched?: (trainer: Trainer) => void) {
  const { model, place } = trial;
  const training: TrainingOptions = {
    ...trainingDefaults,
    learningRate: 0.005,
    updates: usualUpdates,
    seed: place.seed,
    ...trial.training,
  };
  const network = new Network(backend, model, data.train.input, data.train.target.size);
  initialize(network, model, place.seed, place.length);
  const monitors = ['saturation', 'half-life', 'lag-profile', 'lag-contribution'];
  const trainer = new Trainer(network, data.train, { ...training, monitors, monitorEvery: Math.ceil(training.updates / 20) });
  const profiler = watched ? new Profiler(trainer) : undefined;
  const evaluator = new Evaluator(network, data.validation, 100);
  const recorder = new CourseRecorder();
  const looks: ProfileLine[] = [];
  let best = { loss: Number.POSITIVE_INFINITY, values: Float64Array.from(network.parameters.values) };
  let lastLoss = Number.NaN;
  for (;;) {
    if (profiler?.isDue()) looks.push(...profiler.take());
    if (trainer.done) break;
    const record = trainer.step();
    recorder.add(record);
    for (const event of trainer.takeEvents()) recorder.happened(event);
    if (!trainer.done && trainer.update % Math.ceil(training.updates / 10) !== 0) continue;
    lastLoss = evaluator.evaluate().loss;
    if (lastLoss < best.loss) best = { loss: lastLoss, values: Float64Array.from(network.parameters.values) };
  }
  watched?.(trainer);
  const course = recorder.course(training.updates, trainer.halted ? 'explosion' : null);
  return { network, training, looks, course, best, lastLoss };
}

function farOf(loss: number, { near, best }: Made): number {
  return Number.isFinite(loss) ? (near - loss) / (near - best) : 0;
}

/** The outcome of a control: a training of the same network on the same task, with something changed. */
export function control(backend: Backend, trial: Trial): number {
  const mark = backend.mark();
  const data = trial.task(trial.place);
  const { best } = train(backend, trial, data);
  backend.release(mark);
  return farOf(best.loss, data);
}

/** Of the gradient at lag 0, what is left at the lag in question, at the look where it is the most. */
function arrivingOf(looks: readonly ProfileLine[], lag: number): number {
  const ratios = looks.flatMap(({ monitor, value }) => {
    if (monitor !== 'lag-profile') return [];
    const profile = value as LagPoint[];
    const ratio = 10 ** (profile[Math.min(lag, profile.length - 1)].meanLog10 - profile[0].meanLog10);
    return Number.isFinite(ratio) ? [ratio] : [];
  });
  return Math.max(0, ...ratios);
}

export interface Outcome {
  readonly family: string;
  readonly seed: number;
  readonly lag: number;
  readonly cell: string;
  /** null where the controls leave it open. */
  readonly truth: VerdictKind | null;
  readonly why: string;
  readonly verdict: VerdictKind;
  readonly because: string;
  readonly diagnosis: Diagnosis;
  readonly measured: Measured;
  readonly looks: readonly ProfileLine[];
  /** What the two known rules go by. */
  readonly meanGradient: number;
  readonly firstLastRatio: number;
  readonly accuracyLow: boolean;
  readonly seconds: number;
}

/** Trains, judges, and establishes the truth without the judge. */
export function run(backend: Backend, trial: Trial): Outcome {
  const began = performance.now();
  const mark = backend.mark();
  const { place, model } = trial;
  const data = trial.task(place);
  let meanGradient = Number.NaN;
  const trained = train(backend, trial, data, ({ network: { parameters } }) => {
    let sum = 0;
    for (const each of parameters.gradient) sum += Math.abs(each);
    meanGradient = sum / parameters.length;
  });
  const { network, training, looks, course, best } = trained;
  network.parameters.values.set(best.values);
  network.changed();
  const examined = measured({ network, train: data.train, validation: data.validation, model, training, course, looks });
  const diagnosis = judged(examined);
  const { truth, why } = truthOf(backend, trial, data, trained);
  const profile = looks.filter(({ monitor }) => monitor === 'lag-profile').at(-1)?.value as LagPoint[] | undefined;
  backend.release(mark);
  return {
    ...{ family: trial.family, seed: place.seed, lag: place.lag, cell: String(model.cell) },
    ...{
      truth,
      why,
      verdict: diagnosis.verdict,
      because: diagnosis.findings[0].because,
      diagnosis,
      measured: examined,
      looks,
      meanGradient,
    },
    firstLastRatio: profile ? 10 ** (profile[profile.length - 1].meanLog10 - profile[0].meanLog10) : Number.NaN,
    accuracyLow: !((data.constant - trained.lastLoss) / data.constant > 0.5),
    seconds: (performance.now() - began) / 1000,
  };
}

/** The truth by construction, by losses that are known in closed form, and by controls. The judge has no part in it. */
function truthOf(
  backend: Backend,
  trial: Trial,
  data: Made,
  { best, course, lastLoss, looks }: ReturnType<typeof train>,
): { truth: VerdictKind | null; why: string } {
  const { construction, training, place } = trial;
  if (construction === 'nothing') return { truth: 'no-long-range-dependency', why: 'inputs and targets are independent' };
  if (construction === 'faint') return { truth: 'inconclusive', why: 'fewer nats in all sequences than any test needs' };
  if (construction === 'short') {
    const share = (data.constant - best.loss) / (data.constant - data.best);
    if (share >= enough)
      return {
        truth: 'no-long-range-dependency',
        why: `the next step depends on the newest two at most; ${share.toFixed(2)} of it learned`,
      };
    return { truth: null, why: `nothing far back, and only ${share.toFixed(2)} of what is near learned` };
  }
  const far = farOf(best.loss, data);
  if (construction === 'wrecked') {
    const end = farOf(lastLoss, data);
    const tame: Trial = {
      ...trial,
      model: { ...trial.model, recurrentInit: undefined },
      training: { ...training, optimizer: 'adam', learningRate: 0.005, clip: { globalNorm: 1 } },
    };
    const tamed = course.nonFinite.count > 0 && !Number.isFinite(course.loss.lastMean) ? 1 : control(backend, tame);
    if (far < lowest && end < lowest && tamed >= enough)
      return { truth: 'exploding', why: `learns ${tamed.toFixed(2)} with ordinary steps and weights, ${far.toFixed(2)} with these` };
    if (far >= enough && end >= enough) return { truth: 'healthy', why: `has learned ${far.toFixed(2)} all the same` };
    return { truth: null, why: `learned ${far.toFixed(2)}, at the end ${end.toFixed(2)}, tamed ${tamed.toFixed(2)}` };
  }
  if (far >= enough) {
    const near = place.lag + 1 <= place.length * newest;
    return near
      ? {
          truth: 'no-long-range-dependency',
          why: `nothing is older than the newest ${place.lag + 1} of ${place.length}; ${far.toFixed(2)} learned`,
        }
      : { truth: 'healthy', why: `${far.toFixed(2)} of what the far inputs are worth learned` };
  }
  if (place.lag <= near && far < mostOfHard && training.bptt === undefined) {
    const updates = 3 * (training.updates ?? usualUpdates);
    const ordinary = { ...training, optimizer: 'adam', learningRate: 0.005, clip: { globalNorm: 1 }, updates } as const;
    const larger = control(backend, { ...trial, model: { ...trial.model, hiddenSize: 32 }, training: ordinary });
    const why = `${far.toFixed(2)} learned at lag ${place.lag}, and ${larger.toFixed(2)} with 32 units, an ordinary rate and three times the updates`;
    return { truth: larger >= enough ? 'hard-task' : null, why };
  }
  if (far >= begun) return { truth: null, why: `${far.toFixed(2)} of what the far inputs are worth learned` };
  const longer = { ...training, updates: 3 * (training.updates ?? usualUpdates) };
  const { bptt = 'full' } = training;
  if (bptt !== 'full' && bptt.k2 <= place.lag) {
    const whole = control(backend, { ...trial, training: { ...longer, bptt: 'full' } });
    if (whole >= enough)
      return { truth: 'truncated', why: `learns ${whole.toFixed(2)} with full BPTT, ${far.toFixed(2)} with k2 = ${bptt.k2}` };
    // Where it learns it with neither, the window and the distance are each enough to keep it from it, and either verdict would name a cause.
    return { truth: null, why: `full BPTT learns ${whole.toFixed(2)} in three times the updates, k2 = ${bptt.k2} ${far.toFixed(2)}` };
  }
  const short = control(backend, { ...trial, place: { ...place, lag: 2 }, training: { ...training, bptt: 'full' } });
  if (short >= enough) {
    const long = place.lag > 2 ? control(backend, { ...trial, training: longer }) : 1;
    const arriving = arrivingOf(looks, place.lag);
    const why =
      `learns ${short.toFixed(2)} at lag 2, ${far.toFixed(2)} at lag ${place.lag}, ${long.toFixed(2)} there with three times the updates; ` +
      `at most ${arriving.toExponential(0)} of the gradient arrives`;
    return { truth: long < begun && arriving < arrives ? 'vanishing' : null, why };
  }
  if (short < lowest && place.lag <= 6)
    return { truth: 'hard-task', why: `learns ${short.toFixed(2)} at lag 2, ${far.toFixed(2)} at lag ${place.lag}` };
  return { truth: null, why: `learns ${short.toFixed(2)} at lag 2` };
}
