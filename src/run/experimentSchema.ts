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
const share = z.number().min(0).lt(1);
const seed = whole(0);

/** A field that may be left out: what it means, and what it is then, where that can be said in a value. */
const field = <S extends z.ZodType>(schema: S, description: string, byDefault?: unknown) =>
  schema.optional().meta({ description, ...(byDefault === undefined ? {} : { default: byDefault }) });

const length = z
  .union([whole(1), z.tuple([whole(1), whole(1)])], { error: 'must be a whole number from 1, or [least, most]' })
  .describe('Steps of a sequence, or [least, most] for lengths drawn uniformly. No default but of recall: lag + 1.');

const counts = {
  kind: z.literal('task').describe('A task whose answer is known, made on the spot.'),
  trainSequences: field(whole(1), 'Sequences to learn from.', 10000),
  validationSequences: field(whole(1), 'Sequences to measure the loss on.', 1000),
  seed: field(seed, 'Of the sequences.', 1),
};
const read = field(
  z.enum(['last', 'every']),
  'Where the target is counted: at the last step, or at every one (of recall from step lag on).',
  'last',
);
/** Which task it is. */
const named = <Name extends string>(name: Name, description: string) => z.literal(name).describe(description);

const task = z.discriminatedUnion('name', [
  z.strictObject({ ...counts, name: named('adding', 'The sum of two marked numbers of a sequence.'), length }),
  z.strictObject({
    ...counts,
    name: named('copying', 'Symbols that are read at the beginning are said at the end.'),
    length,
    symbols: field(whole(2), 'Different symbols to be remembered.', 8),
    memory: field(whole(1), 'Symbols in a row.', 10),
  }),
  z.strictObject({ ...counts, name: named('temporalOrder', 'In which order two marked symbols came.'), length }),
  z.strictObject({
    ...counts,
    name: named('recall', 'The symbol of some steps before the newest.'),
    length: field(length, 'Steps of a sequence, or [least, most] for lengths drawn uniformly; default lag + 1.'),
    lag: whole(0).describe('How many steps before the newest.'),
    symbols: field(whole(2), 'Different symbols.', 8),
    read,
  }),
  z.strictObject({ ...counts, name: named('parity', 'Whether the bits so far have an odd sum.'), length, read }),
]);

const path = z.string().min(1);
const size = z.union([z.number().positive(), z.string().min(1)], { error: 'must be a size in bytes, or a text such as "256MB" or "2GiB"' });
const unpacked = field(size, 'The most bytes that a compressed file may unpack to; default: 50 times its own, and 16 MiB at least.');
const also = (what: string) => `${what}: a file as train.`;

const sequences = z.strictObject({
  kind: z.literal('sequences').describe('Sequences from files.'),
  train: path.describe('NDJSON file, gzipped or not: one {"x": ..., "y": ...} a line.'),
  validation: path.describe(also('Measured while it trains')),
  test: field(path, also('Measured once, at the end; default none')),
  loss: z.enum(['crossEntropy', 'mse', 'binaryCrossEntropy']).describe('Of y: class indices, numbers, or numbers that are 0 or 1.'),
  targets: field(z.enum(['last', 'every']), 'How y is read where its length leaves it open; default: it must not.'),
  classes: field(whole(1), 'Classes of a cross entropy; default: counted on the training file.'),
  symbols: field(whole(1), 'Symbols that x may hold; default: counted on the training file.'),
  standardize: field(z.boolean(), 'By means and deviations of the training file.', false),
  unpacked,
});

const text = z.strictObject({
  kind: z.literal('text').describe('The characters of a file.'),
  path: path.describe('Text in UTF-8, gzipped or not; the task is to predict the next character.'),
  split: field(z.number().gt(0).lt(1), 'Share of the text, from its beginning, to train on.', 0.95),
  unpacked,
});

const table = z.strictObject({
  kind: z.literal('table').describe('The columns of a file, row by row.'),
  path: path.describe('CSV file with column names in its first row, gzipped or not, or Parquet file.'),
  time: field(z.string(), 'Column of evenly spaced timestamps; default none.'),
  inputs: z.array(z.string()).min(1).describe('Columns that are read.'),
  target: z.string().describe('Column that is predicted.'),
  window: whole(1).describe('Rows that a prediction reads.'),
  horizon: whole(1).describe('Next rows of the target that it predicts.'),
  split: field(
    z.union([z.array(positive).min(2).max(3), z.array(z.string()).min(2).max(3)], {
      error: 'must be 2 or 3 shares, numbers of rows, or times when parts end, such as [0.6, 0.2, 0.2] or ["2017-07-01", "2017-11-01"]',
    }),
    'Training, validation, test, in time: shares, numbers of rows, or the times when they end.',
    [0.6, 0.2, 0.2],
  ),
  standardize: field(z.boolean(), 'By means and deviations of the training rows.', true),
  relative: field(z.boolean(), "A window's inputs, and its target, are differences from its newest row.", false),
  season: field(whole(1), 'Rows of a season, for the naive seasonal predictor; default a day, where time tells.'),
  missing: field(
    z.union([z.enum(['refuse', 'previous', 'linear']), z.number()], { error: 'must be "refuse", "previous", "linear" or a number' }),
    'What takes the place of a number that is missing, and of rows where time is given.',
    'refuse',
  ),
  calendar: field(
    z.array(z.enum(['hourOfDay', 'dayOfWeek', 'dayOfYear'])).min(1),
    'Inputs from the clock of the timestamps, as sine and cosine; default none.',
  ),
  unpacked,
});

const recurrentInit = z
  .union(
    [
      z.enum(['default', 'glorot', 'orthogonal', 'identity', 'henaff', 'cayley']),
      z.strictObject({ gaussian: positive.describe('g: normal numbers of deviation g/sqrt(H).') }),
      z.strictObject({ orthogonal: positive.describe('g: an orthogonal matrix times g.') }),
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
        by: field(z.enum(['exponential', 'cayley', 'polar']), 'The map by which it stays so.', 'exponential'),
        learningRate: field(positive, 'Of the recurrent matrix; default a tenth of training.learningRate.'),
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
    lag: field(lags, 'The same in every layer, in steps; of add and weighted also several at once. Either this or perLayer; default none.'),
    perLayer: field(z.array(lags).min(1), 'Layer by layer, from the first on, such as [1, 2, 4]; default none.'),
  })
  .describe('Shorter ways through time; default none.');

const model = z.strictObject({
  cell: z
    .enum(['rnn', 'lstm', 'gru', 'gru-reset-before', 'mingru', 'lru'])
    .describe('What a step does: a plain network, or one with gates.'),
  activation: field(z.enum(['tanh', 'relu']), 'Of rnn only.', 'tanh'),
  hiddenSize: whole(1).describe('H: units of each layer.'),
  layers: field(whole(1), 'L: layers, each reading the one below.', 1),
  residual: field(z.boolean(), 'Adds the input of a layer to its output, from the second layer on.', false),
  dropout: field(share, 'Probability with which an output is dropped between layers, in training.', 0),
  recurrentInit: recurrentInit.optional(),
  orthogonal: orthogonal.optional(),
  forgetBias: field(
    z.union([z.number(), z.literal('chrono')], { error: 'must be a number or "chrono"' }),
    'Of lstm and mingru only: where the forget gate starts; chrono draws it for the longest sequence.',
    1,
  ),
  skip: skip.optional(),
});

const bptt = z
  .union(
    [
      z.literal('full'),
      z.strictObject({
        k1: whole(1).describe('Steps between two updates.'),
        k2: whole(1).describe('Steps that the gradient goes back, k1 at least.'),
      }),
    ],
    {
      error: 'must be "full" or {"k1": steps, "k2": steps}, whole numbers from 1 with k2 >= k1',
    },
  )
  .describe('Default full; for a text {"k1": 50, "k2": 50}.');

const memory = size.describe(
  'What the training may take, in bytes or as "256MB": longer sequences than fit are gone back through in segments. Default: all the backend has.',
);

const clip = z
  .union(
    [
      z.enum(['none', 'auto']),
      z.strictObject({ globalNorm: positive.describe('Of the gradient of all parameters: it is shrunk to this norm where it is larger.') }),
      z.strictObject({ value: positive.describe('Of every number of the gradient.') }),
      z.strictObject({ parameterNorm: positive.describe('Of the gradient of each parameter by itself.') }),
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
  .union(
    [
      z.enum(['warn', 'skip', 'rollback', 'stop']),
      z.strictObject({ rollback: z.number().gt(0).lt(1).describe('By what the learning rate is multiplied.') }),
    ],
    {
      error: 'must be "warn", "skip", "rollback", "stop" or {"rollback": factor}, a factor of the learning rate between 0 and 1',
    },
  )
  .describe('What is done about an explosion; default warn.');

const schedule = z
  .union(
    [
      z.literal('constant'),
      z.strictObject({ warmUp: whole(1).describe('Updates in which the rate rises to what it then stays.') }),
      z.strictObject({
        cosine: z
          .strictObject({
            warmUp: field(whole(1), 'Updates in which the rate rises; default none.'),
            minimum: field(share, 'Factor that the rate falls towards by the last update.', 0),
          })
          .describe('Falls along a cosine.'),
      }),
      z.strictObject({
        step: z
          .strictObject({ every: whole(1).describe('Updates.'), factor: positive.describe('By what the rate is multiplied then.') })
          .describe('Falls in steps.'),
      }),
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
    schedule: field(schedule, 'A factor of the weight for each update.', 'constant'),
  })
  .describe('Keeps the norm of the gradient from step to step, in plain networks (Pascanu 2013); default none.');

const training = z.strictObject({
  optimizer: z
    .enum(['sgd', 'momentum', 'rmsprop', 'adam', 'adamw'])
    .default(trainingDefaults.optimizer)
    .describe('Makes a step of a gradient.'),
  learningRate: positive.default(trainingDefaults.learningRate).describe('Before the schedule.'),
  schedule: schedule.default(trainingDefaults.schedule),
  batchSize: whole(1).default(trainingDefaults.batchSize).describe('Sequences per update; of a text, streams read side by side.'),
  updates: whole(1).default(trainingDefaults.updates).describe('Of the weights, after which the training ends.'),
  seed: seed.default(trainingDefaults.seed).describe('Of the weights, the order of the sequences and dropout.'),
  bptt: bptt.optional(),
  memory: memory.optional(),
  clip: clip.default(trainingDefaults.clip),
  omega: omega.optional(),
  guard: guard.default('warn'),
  momentum: field(share, 'Of momentum only.', 0.9),
  decay: field(share, 'Of rmsprop only.', 0.99),
  beta1: field(share, 'Of adam and adamw.', 0.9),
  beta2: field(share, 'Of adam and adamw.', 0.999),
  // Below, a float32 backend could divide 0 by 0.
  epsilon: field(z.number().min(1e-16), 'Of rmsprop, adam and adamw.', 1e-8),
  weightDecay: field(z.number().min(0), 'Of adamw only.', 0.01),
  validateEvery: field(whole(1), 'Updates between two looks at the validation part; default a tenth of updates.'),
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
  $schema: field(z.string(), 'Where this schema is, for editors; nothing else reads it. Default none.'),
  name: z
    .string()
    .regex(/^[\w.-]+$/, {
      error: 'must consist of letters, digits, dots, dashes and underscores, because run directories are named after it',
    })
    .regex(/^[^.]/, { error: 'must not begin with a dot' })
    .describe('Run directories are named after it.'),
  data: z.discriminatedUnion('kind', [task, sequences, text, table]).describe('What is learned from.'),
  model: model.describe('What the network is made of.'),
  training: training.prefault({}).describe('How it is trained.'),
});

export type ExperimentInput = z.output<typeof experimentSchema>;

/** The published JSON Schema of an experiment file. */
export function experimentJsonSchema(): object {
  return {
    title: 'throughtime experiment',
    ...z.toJSONSchema(experimentSchema, { io: 'input', reused: 'inline' }),
  };
}
