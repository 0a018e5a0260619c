import type { TrainingOptions } from '../../training/options.ts';
import type { Subject } from '../examination/examination.ts';
import type { Prescription } from './verdict.ts';

/** For a gradient that does not reach `lag` steps back. @param needed newest inputs that the data depend on. */
export function longerReach(subject: Subject, lag: number, needed: number): Prescription[] {
  const { cell, model, training, layers, longest } = subject;
  const cures: Prescription[] = [];
  if (cell !== 'lstm') {
    cures.push({
      set: { ...otherCell(subject, 'lstm'), 'model.forgetBias': 'chrono' },
      why: `the cell of an LSTM keeps what is in it, and forget biases spread up to the length of the sequences let the gradient through ${lag} steps`,
    });
  } else if (model.forgetBias !== 'chrono') {
    cures.push({
      set: { 'model.forgetBias': 'chrono' },
      why: `gates at a bias of ${model.forgetBias ?? 1} halve the gradient every few steps; biases spread up to the length of the sequences reach ${lag} steps back`,
    });
  }
  const relu = cell === 'rnn' && model.activation === 'relu';
  if (cell !== 'rnn' || relu) {
    cures.push({
      set: { ...otherCell(subject, 'rnn'), 'model.recurrentInit': 'orthogonal' },
      why: 'tanh units over a recurrent matrix that begins orthogonal: singular values of 1, so that the gradient does not fade by it',
    });
  } else if (model.recurrentInit !== 'orthogonal' && !isSet(model.orthogonal)) {
    cures.push({
      set: { 'model.recurrentInit': 'orthogonal' },
      why: 'an orthogonal recurrent matrix begins with singular values of 1, so that the gradient does not fade by it',
    });
  }
  if (cell !== 'lru') {
    cures.push({
      set: otherCell(subject, 'lru'),
      why: 'a linear recurrence whose eigenvalues lie close to the unit circle carries the gradient any distance, at a cost of H a step',
    });
  }
  // A way of exactly so many steps, where the sequences are long enough for it.
  const far = Math.min(needed - 1, longest - 1);
  if (!isSet(model.skip) && far >= 2) {
    cures.push({
      set: { 'model.skip': { kind: 'weighted', lag: far } },
      why: `the oldest input that the data need lies ${needed - 1} steps back, and over a connection of ${far} steps its gradient comes in one`,
    });
  }
  if (cell === 'rnn') cures.push({ set: otherCell(subject, 'gru'), why: 'gates let a network learn to keep its state' });
  if (cell === 'rnn' && !relu && !isSet(model.orthogonal)) {
    const plainInit = model.recurrentInit !== undefined ? { 'model.recurrentInit': null } : {};
    cures.push({
      set: { 'model.orthogonal': true, ...plainInit },
      why: 'a recurrent matrix that stays orthogonal through the whole training keeps the gradient on its way',
    });
  }
  if (cell === 'rnn' && model.recurrentInit !== 'identity') {
    cures.push({
      set: { 'model.activation': 'relu', 'model.recurrentInit': 'identity', 'model.orthogonal': null },
      why: 'rectified units over an identity matrix begin by copying their state from step to step',
    });
  }
  if (cell !== 'mingru') {
    cures.push({
      set: { ...otherCell(subject, 'mingru'), 'model.forgetBias': 'chrono' },
      why: 'gates that see the input alone, with biases spread up to the length of the sequences, keep what they keep for as long',
    });
  }
  if (!isSet(model.skip) && layers === 1) {
    const skip = Math.max(2, Math.round(Math.sqrt(lag)));
    cures.push({
      set: { 'model.skip': { lag: skip, kind: 'add' } },
      why: `a skip over ${skip} steps makes the way back over ${lag} steps ${skip} times as short`,
    });
  }
  if (training) cures.push(...adaptive(training));
  if (training) cures.push({ set: { 'training.updates': 4 * training.updates }, why: 'what little arrives adds up over more updates' });
  return cures;
}

/** Where the optimizer takes the gradient's size as it is: one that does not. */
function adaptive({ optimizer, momentum }: TrainingOptions): Prescription[] {
  if (optimizer !== 'sgd' && optimizer !== 'momentum') return [];
  return [
    {
      set: {
        'training.optimizer': 'adam',
        'training.learningRate': 0.003,
        ...(momentum === undefined ? {} : { 'training.momentum': null }),
      },
      why: 'Adam divides each step by the size that the gradient has had, so that a small one moves the weights too',
    },
  ];
}

/** Another cell, without what only the one before has. */
function otherCell({ model, training }: Subject, cell: string): Prescription['set'] {
  const given = ['activation', 'recurrentInit', 'orthogonal', 'forgetBias'].filter((field) =>
    isSet((model as unknown as Record<string, unknown>)[field]),
  );
  return {
    'model.cell': cell,
    ...Object.fromEntries(given.map((field) => [`model.${field}`, null])),
    ...(training && isSet(training.omega) ? { 'training.omega': null } : {}),
  };
}

/** For a truncation window that is shorter than the data need. */
export function longerWindow({ training, stream, longest }: Subject, needed: number): Prescription[] {
  if (!training || training.bptt === 'full') return [];
  const k2 = Math.min(longest, Math.ceil(1.25 * needed));
  const windowed = {
    set: { 'training.bptt': { k1: Math.min(k2, Math.max(training.bptt.k1, Math.ceil(k2 / 2))), k2 } },
    why: `a window of ${k2} steps holds the ${needed} that a prediction needs`,
  };
  return stream
    ? [windowed]
    : [{ set: { 'training.bptt': 'full' }, why: 'the gradient then goes back to the first step of each sequence' }, windowed];
}

/** For an explosion. @param byRate whether nothing grows through time, so that the steps alone are too large. */
export function smallerSteps(subject: Subject, byRate: boolean): Prescription[] {
  const { training, cell, model } = subject;
  if (!training) return [];
  const slower = {
    set: { 'training.learningRate': Number((training.learningRate / 10).toPrecision(3)) },
    why: `steps at a rate of ${training.learningRate} overshoot`,
  };
  const clipped: Prescription[] =
    training.clip === 'auto'
      ? []
      : [{ set: { 'training.clip': 'auto' }, why: 'chooses the highest threshold of the gradient norm that overcomes the explosion' }];
  const tamed: Prescription[] =
    cell === 'rnn' && model.recurrentInit !== 'orthogonal' && model.activation !== 'relu' && !isSet(model.orthogonal)
      ? [
          {
            set: { 'model.recurrentInit': 'orthogonal' },
            why: 'singular values of 1 neither stretch nor shrink the gradient at the beginning',
          },
        ]
      : [];
  const bounded: Prescription[] =
    training.clip === 'none'
      ? [{ set: { 'training.clip': { globalNorm: 1 } }, why: 'no update is longer than a gradient of norm 1 makes it' }]
      : [];
  const gated: Prescription[] =
    cell === 'rnn'
      ? [
          {
            set: { ...otherCell(subject, 'lstm') },
            why: 'the cell of an LSTM carries the gradient by gates of at most 1, so that it does not grow',
          },
        ]
      : [];
  return byRate ? [slower, ...clipped, ...bounded] : [...clipped, ...tamed, slower, ...bounded, ...gated];
}

/** For a task that is reached and not learned. */
export function moreOfIt(
  { training, hiddenSize, layers }: Subject,
  state: { falling: boolean; still: boolean; weak: boolean; failsNear: boolean },
): Prescription[] {
  const larger = {
    set: { 'model.hiddenSize': Math.max(16, 4 * hiddenSize) },
    why: `${layers} x ${hiddenSize} units may be too few to hold what the task asks for`,
  };
  if (!training) return [larger];
  const longer = { set: { 'training.updates': 4 * training.updates }, why: 'the loss was still falling when the training ended' };
  const faster = {
    set: { 'training.learningRate': Number((10 * training.learningRate).toPrecision(3)) },
    why: `the loss has hardly moved at a rate of ${training.learningRate}`,
  };
  const other = adaptive(training);
  const slower = {
    set: { 'training.learningRate': Number((training.learningRate / 3).toPrecision(3)) },
    why: 'smaller steps may get below a level that larger ones jump over',
  };
  if (state.failsNear) return [larger, ...other, faster, { ...longer, why: 'a plateau may have an end' }];
  if (state.weak)
    return [
      { ...longer, why: 'what arrives from so far back is no more than the noise of these updates; it adds up over more' },
      ...other,
      faster,
      larger,
    ];
  if (state.falling) return [longer, larger];
  return state.still
    ? [...other, larger, faster, { ...longer, why: 'a plateau may have an end' }]
    : [larger, { ...longer, why: 'a plateau may have an end' }, slower];
}

/** Whether a field is given, and not switched off. */
const isSet = (value: unknown) => value !== undefined && value !== false;
