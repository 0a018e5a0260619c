import { z } from 'zod';
import { monitors } from '../monitor/monitors.ts';
import { trainingDefaults } from '../training/options.ts';

/**
 * The experiment file, field by field: what is allowed, what it means and what it is where nothing is said. The published
 * JSON Schema is made from this. Rules between fields are in `experiment.ts`.
 */

const whole = (least: number) => {
  const error = `must be a whole number from ${least}`;
  return z.int({ error }).min(least, { error });
};
const positive = z.number().positive();
const share = (what: string) => z.number().min(0).lt(1).describe(what);
const seed = whole(0);

const length = z
  .union([whole(1), z.tuple([whole(1), whole(1)])], { error: 'must be a whole number from 1, or [least, most]' })
  .describe('Steps of a sequence, or [least, most] for lengths drawn uniformly.');

const counts = {
  kind: z.literal('task'),
  trainSequences: whole(1).optional().describe('Default 10000.'),
  validationSequences: whole(1).optional().describe('Default 1000.'),
  seed: seed.optional().describe('Of the sequences; default 1.'),
};
const read = z.enum(['last', 'every']).optional().describe('Where the target is counted; default last.');

const task = z.discriminatedUnion('name', [
  z.strictObject({ ...counts, name: z.literal('adding'), length }),
  z.strictObject({ ...counts, name: z.literal('copying'), length, symbols: whole(2).optional(), memory: whole(1).optional() }),
  z.strictObject({ ...counts, name: z.literal('temporalOrder'), length }),
  z.strictObject({ ...counts, name: z.literal('recall'), length: length.optional(), lag: whole(0), symbols: whole(2).optional(), read }),
  z.strictObject({ ...counts, name: z.literal('parity'), length, read }),
]);

const path = z.string().min(1);
const size = z.union([z.number().positive(), z.string().min(1)], { error: 'must be a size in bytes, or a text such as "256MB" or "2GiB"' });
const unpacked = size
  .describe('The most bytes that a compressed file may unpack to; default: 50 times its own, and 16 MiB at least.')
  .optional();

const sequences = z.strictObject({
  kind: z.literal('sequences'),
  train: path.describe('NDJSON file, gzipped or not: one {"x": ..., "y": ...} a line.'),
  validation: path,
  test: path.optional(),
  loss: z.enum(['crossEntropy', 'mse', 'binaryCrossEntropy']),
  targets: z.enum(['last', 'every']).optional().describe('How y is read where its length leaves it open.'),
  classes: whole(1).optional().describe('Counted on the training file where not given.'),
  symbols: whole(1).optional().describe('Counted on the training file where not given.'),
  standardize: z.boolean().optional().describe('By means and deviations of the training file; default false.'),
  unpacked,
});

const text = z.strictObject({
  kind: z.literal('text'),
  path: path.describe('Text in UTF-8, gzipped or not; the task is to predict the next character.'),
  split: z.number().gt(0).lt(1).optional().describe('Share of the text, from its beginning, to train on; default 0.95.'),
  unpacked,
});

const table = z.strictObject({
  kind: z.literal('table'),
  path: path.describe('CSV file with column names in its first row, gzipped or not, or Parquet file.'),
  time: z.string().optional().describe('Column of evenly spaced timestamps.'),
  inputs: z.array(z.string()).min(1).describe('Columns that are read.'),
  target: z.string().describe('Column that is predicted.'),
  window: whole(1).describe('Rows that a prediction reads.'),
  horizon: whole(1).describe('Next rows of the target that it predicts.'),
  split: z
    .union([z.array(positive).min(2).max(3), z.array(z.string()).min(2).max(3)], {
      error: 'must be 2 or 3 shares, numbers of rows, or times when parts end, such as [0.6, 0.2, 0.2] or ["2017-07-01", "2017-11-01"]',
    })
    .optional()
    .describe('Training, validation, test, in time: shares, numbers of rows, or the times when they end; default [0.6, 0.2, 0.2].'),
  standardize: z.boolean().optional().describe('By means and deviations of the training rows; default true.'),
  relative: z.boolean().optional().describe("A window's inputs, and its target, are differences from its newest row; default false."),
  season: whole(1).optional().describe('Rows of a season, for the naive seasonal predictor; default a day, where time tells.'),
  missing: z
    .union([z.enum(['refuse', 'previous', 'linear']), z.number()], { error: 'must be "refuse", "previous", "linear" or a number' })
    .optional()
    .describe('What takes the place of a number that is missing, and of rows where time is given; default refuse.'),
  calendar: z
    .array(z.enum(['hourOfDay', 'dayOfWeek', 'dayOfYear']))
    .min(1)
    .optional()
    .describe('Inputs from the clock of the timestamps, as sine and cosine; default none.'),
  unpacked,
});

const recurrentInit = z
  .union(
    [
      z.enum(['default', 'glorot', 'orthogonal', 'identity', 'henaff', 'cayley']),
      z.strictObject({ gaussian: positive }),
      z.strictObject({ orthogonal: positive }),
    ],
    {
      error: 'must be "default", "glorot", "orthogonal", "identity", "henaff", "cayley", {"gaussian": gain} or {"orthogonal": gain}',
    },
  )
  .describe('How each gate block of the recurrent matrix starts; default: U(-1/sqrt(H), 1/sqrt(H)), and henaff where it stays orthogonal.');

const orthogonal = z
  .union(
    [
      z.boolean(),
      z.strictObject({
        by: z.enum(['exponential', 'cayley', 'polar']).optional().describe('Default exponential.'),
        learningRate: positive.optional().describe('Of the recurrent matrix; default a tenth of training.learningRate.'),
      }),
    ],
    { error: 'must be true, false, or {"by": "exponential" | "cayley" | "polar", "learningRate": rate}, both of which may be left out' },
  )
  .describe('Keeps each gate block of the recurrent matrix orthogonal through the whole training; default false.');

const lagError = 'must be a whole number of steps from 1, or a list of them such as [4, 16]';
const lags = z.union([whole(1), z.array(whole(1)).min(1)], { error: lagError });

const skip = z
  .strictObject({
    kind: z
      .enum(['add', 'weighted', 'dilated'])
      .describe(
        'add: h_t = cell(x_t, h_{t-1}) + h_{t-lag}; weighted: a matrix of its own for h_{t-lag}; dilated: the cell reads s_{t-lag} in place of s_{t-1}.',
      ),
    lag: lags.optional().describe('The same in every layer, in steps; of add and weighted also several at once. Either this or perLayer.'),
    perLayer: z.array(lags).min(1).optional().describe('Layer by layer, from the first on, such as [1, 2, 4].'),
  })
  .describe('Shorter ways through time; default none.');

const model = z.strictObject({
  cell: z.enum(['rnn', 'lstm', 'gru', 'mingru', 'lru']),
  activation: z.enum(['tanh', 'relu']).optional().describe('Of rnn only; default tanh.'),
  hiddenSize: whole(1),
  layers: whole(1).optional().describe('Default 1.'),
  residual: z.boolean().optional().describe('Adds the input of a layer to its output, from the second layer on; default false.'),
  dropout: share('Between layers, in training; default 0.').optional(),
  recurrentInit: recurrentInit.optional(),
  orthogonal: orthogonal.optional(),
  forgetBias: z
    .union([z.number(), z.literal('chrono')], { error: 'must be a number or "chrono"' })
    .optional()
    .describe('Of lstm and mingru only; default 1.'),
  skip: skip.optional(),
});

const bptt = z
  .union([z.literal('full'), z.strictObject({ k1: whole(1), k2: whole(1) })], {
    error: 'must be "full" or {"k1": steps, "k2": steps}, whole numbers from 1 with k2 >= k1',
  })
  .describe('Default full; for a text {"k1": 50, "k2": 50}.');

const memory = size.describe(
  'What the training may take, in bytes or as "256MB": longer sequences than fit are gone back through in segments. Default: all the backend has.',
);

const clip = z
  .union(
    [
      z.enum(['none', 'auto']),
      z.strictObject({ globalNorm: positive }),
      z.strictObject({ value: positive }),
      z.strictObject({ parameterNorm: positive }),
      z.strictObject({ recurrentNorm: positive.describe('Of dL/ds_t of each sequence at every step, inside the backward pass.') }),
      z.strictObject({ recurrentValue: positive.describe('Of every number of dL/ds_t.') }),
      z.strictObject({ percentile: z.number().gt(0).lt(100).describe('Of the last 1000 finite norms.') }),
    ],
    {
      error:
        'must be "none", "auto", or {"globalNorm": threshold}, also with value, parameterNorm, recurrentNorm or recurrentValue, thresholds above 0, or {"percentile": p}, 0 < p < 100',
    },
  )
  .describe('Default {"globalNorm": 1}.');

const guard = z
  .union([z.enum(['warn', 'skip', 'rollback', 'stop']), z.strictObject({ rollback: z.number().gt(0).lt(1) })], {
    error: 'must be "warn", "skip", "rollback", "stop" or {"rollback": factor}, a factor of the learning rate between 0 and 1',
  })
  .describe('What is done about an explosion; default warn.');

const schedule = z
  .union(
    [
      z.literal('constant'),
      z.strictObject({ warmUp: whole(1) }),
      z.strictObject({
        cosine: z.strictObject({
          warmUp: whole(1).optional(),
          minimum: share('Factor that the rate falls towards by the last update.').optional(),
        }),
      }),
      z.strictObject({ step: z.strictObject({ every: whole(1), factor: positive }) }),
    ],
    {
      error:
        'must be "constant", {"warmUp": updates}, {"cosine": {"warmUp": updates, "minimum": factor}} or {"step": {"every": updates, "factor": factor}}',
    },
  )
  .describe('Default constant.');

const omega = z
  .strictObject({
    weight: positive.describe('Of Omega beside the loss.'),
    schedule: schedule.optional().describe('A factor of the weight for each update.'),
  })
  .describe('Keeps the norm of the gradient from step to step, in plain networks (Pascanu 2013); default none.');

const training = z.strictObject({
  optimizer: z.enum(['sgd', 'momentum', 'rmsprop', 'adam', 'adamw']).default(trainingDefaults.optimizer),
  learningRate: positive.default(trainingDefaults.learningRate),
  schedule: schedule.default(trainingDefaults.schedule),
  batchSize: whole(1).default(trainingDefaults.batchSize).describe('Sequences per update; of a text, streams read side by side.'),
  updates: whole(1).default(trainingDefaults.updates),
  seed: seed.default(trainingDefaults.seed).describe('Of the weights, the order of the sequences and dropout.'),
  bptt: bptt.optional(),
  memory: memory.optional(),
  clip: clip.default(trainingDefaults.clip),
  omega: omega.optional(),
  guard: guard.default('warn'),
  momentum: share('Of momentum only; default 0.9.').optional(),
  decay: share('Of rmsprop only; default 0.99.').optional(),
  beta1: share('Of adam and adamw; default 0.9.').optional(),
  beta2: share('Of adam and adamw; default 0.999.').optional(),
  // Below, a float32 backend could divide 0 by 0.
  epsilon: z.number().min(1e-16).optional().describe('Of rmsprop, adam and adamw; default 1e-8.'),
  weightDecay: z.number().min(0).optional().describe('Of adamw only; default 0.01.'),
  validateEvery: whole(1).optional().describe('Updates between two looks at the validation part; default a tenth of updates.'),
  monitors: z
    .array(z.enum(monitors.map(({ name }) => name)))
    .optional()
    .describe(
      'What is measured of the network while it trains, into profiles.jsonl; default saturation, half-life, lag-profile, lag-contribution, and orthogonality of a recurrent matrix that stays orthogonal.',
    ),
  monitorEvery: whole(1)
    .optional()
    .describe('Updates between two looks of the monitors; default: 40 looks, fewer where their work would exceed 2% of the training.'),
});

export const experimentSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors.'),
  name: z
    .string()
    .regex(/^[\w.-]+$/, {
      error: 'must consist of letters, digits, dots, dashes and underscores, because run directories are named after it',
    })
    .regex(/^[^.]/, { error: 'must not begin with a dot' }),
  data: z.discriminatedUnion('kind', [task, sequences, text, table]),
  model,
  training: training.prefault({}),
});

export type ExperimentInput = z.output<typeof experimentSchema>;

/** The published JSON Schema of an experiment file. */
export function experimentJsonSchema(): object {
  return {
    title: 'throughtime experiment',
    ...z.toJSONSchema(experimentSchema, { io: 'input', reused: 'inline' }),
  };
}
