import { z } from 'zod';
import { experimentSchema } from '../run/experimentSchema.ts';

/**
 * The sweep file, field by field. The published JSON Schema is made from this. Rules between fields are in `sweepFile.ts`, and what an axis sets is checked
 * as a field of an experiment.
 */

const whole = (least: number) => {
  const error = `must be a whole number from ${least}`;
  return z.int({ error }).min(least, { error });
};

const ends = z.tuple([z.number(), z.number()], { error: 'must be [lowest, highest], two numbers' });
const count = whole(2).optional().describe('Values of it that a grid has; what is drawn is drawn from these, where it is given.');
const rounded = z.boolean().optional().describe('Only whole numbers; default false.');

const range = z.strictObject({ range: ends.describe('Lowest and highest, evenly spaced.'), count, whole: rounded });
const logRange = z.strictObject({ logRange: ends.describe('Lowest and highest, evenly spaced in the logarithm.'), count, whole: rounded });
const seeds = z.strictObject({ seeds: whole(1).describe('Of training.seed alone: its value in base, and the numbers after it.') });

const axis = z.union([z.array(z.json()).min(1), range, logRange, seeds], {
  error:
    'must be a list of values, {"range": [lowest, highest], "count": n}, {"logRange": [lowest, highest], "count": n} or, for training.seed, {"seeds": n}',
});

const seed = whole(0).optional().describe('Of what is drawn; default 1.');

const random = z.strictObject({
  random: z.strictObject({ trials: whole(1).describe('Trainings in all: a multiple of the number of seeds.'), seed }),
});
const halving = z.strictObject({
  halving: z.strictObject({
    start: whole(1).describe('Updates after which the first choice is made.'),
    factor: whole(2).describe('One in so many goes on, for so many times as many updates.'),
    budget: whole(1).describe('Updates of all trainings together.'),
    seed,
  }),
});

const search = z
  .union([z.literal('grid'), random, halving], {
    error:
      'must be "grid", {"random": {"trials": n, "seed": s}} or {"halving": {"start": updates, "factor": n, "budget": updates, "seed": s}}',
  })
  .describe('Which settings are trained; default grid.');

const name = experimentSchema.shape.name.describe('Of the sweep, and of its directory.');

export const sweepSchema = z.strictObject({
  $schema: z.string().optional().describe('For editors.'),
  name,
  base: z
    .union([z.string().min(1), z.record(z.string(), z.json())], { error: 'must be the path of an experiment file, or an experiment' })
    .describe('An experiment file, relative to this one, or an experiment.'),
  axes: z.record(z.string(), axis).describe('Values for fields of the experiment, by their dotted names, such as training.learningRate.'),
  search: search.prefault('grid'),
  verdicts: z.boolean().default(true).describe('Whether each trial that has come to its end is diagnosed; default true.'),
});

export type SweepInput = z.output<typeof sweepSchema>;
export type Axis = SweepInput['axes'][string];
export type SearchOption = SweepInput['search'];

/** The published JSON Schema of a sweep file. */
export function sweepJsonSchema(): object {
  return { title: 'throughtime sweep', ...z.toJSONSchema(sweepSchema, { io: 'input', reused: 'inline' }) };
}
