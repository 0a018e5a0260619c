import { short } from '../../data/numbers.ts';
import { hasLearned } from '../runner.ts';
import { finished, type Lesson, network } from './lesson.ts';

const start = { start: 'gaussian', gain: 1.5, optimizer: 'sgd', rate: 0.1 } as const;

export const exploding: Lesson = {
  id: 'exploding',
  title: 'The gradient explodes, and is clipped',
  text: [
    'On its way back, the gradient is multiplied by the recurrent matrix at every step. This one begins 1.5 times too large, so each step back makes the gradient larger.',
    'Without a clip (A), a single update throws the weights so far off that nothing finite comes after it. With a clip (B), the gradient keeps its direction and loses its length.',
  ],
  setup: {
    ...{ task: 'adding', length: 40, updates: 600, seed: 0 },
    networks: [network({ ...start, clip: 0 }), network({ ...start, clip: 1 })],
  },
  question:
    'Which is the highest threshold with which the loss still stays near that of the best constant? Drag the line in the picture of the gradient norm.',
  answer({ networks }, progress) {
    if (!finished(progress)) return undefined;
    const last = progress[progress.length - 1];
    const { clip } = networks[networks.length - 1];
    const loss = last.evaluations.at(-1)?.loss ?? Number.NaN;
    const constant = last.begun?.constant ?? Number.NaN;
    if (last.nonFinite > 0)
      return { done: false, text: `At ${clip === 0 ? 'no clip' : short(clip)}, ${last.nonFinite} updates were not finite. Lower it.` };
    if (!(loss < 1.3 * constant))
      return {
        done: false,
        text: `At ${short(clip)}, everything is finite, and yet the loss ends at ${short(loss)}, above the ${short(constant)} of the best constant. Lower it.`,
      };
    if (clip <= 1)
      return {
        done: false,
        text: `${short(clip)} holds${hasLearned(last) ? '' : `: the loss ends at ${short(loss)}`}. Does a higher one hold too?`,
      };
    return {
      done: true,
      text: `${short(clip)} holds: the loss ends at ${short(loss)}. Where the next higher one fails, you have found the highest.`,
    };
  },
};
