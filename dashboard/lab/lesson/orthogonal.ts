import { percent } from '../../data/numbers.ts';
import { hasLearned } from '../runner.ts';
import { finished, type Lesson, network } from './lesson.ts';

export const orthogonal: Lesson = {
  id: 'orthogonal',
  title: 'An orthogonal start: the same network learns sixty steps',
  text: [
    'An orthogonal matrix turns a vector and keeps its length. Two networks of the same size, with the same data and the same number of weights: A begins with small random recurrent weights, B with an orthogonal matrix.',
    'At the beginning, sixty steps back, about 10⁻¹⁵ of the gradient of A is left, and about two thousandths of that of B: its tanh shortens it a little at every step, its matrix does not. Nothing else is different, and B learns what A does not.',
  ],
  setup: { ...{ task: 'recall', length: 60, updates: 1200, seed: 0 }, networks: [network(), network({ start: 'orthogonal' })] },
  question: 'How far does it carry? Make the lag longer, until B no longer learns it in these updates.',
  answer({ length }, progress) {
    const b = progress[1];
    if (!b || !finished(progress)) return undefined;
    const [first, second] = progress.map(({ evaluations }) => percent(evaluations.at(-1)?.metric.value));
    if (!hasLearned(b))
      return { done: length > 60, text: `At lag ${length}, B names ${second}${length > 60 ? ': here it ends, with these updates' : ''}.` };
    return { done: false, text: `At lag ${length}, B names ${second} of the symbols and A ${first}. Does it reach further?` };
  },
};
