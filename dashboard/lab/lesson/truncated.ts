import { percent } from '../../data/numbers.ts';
import { hasLearned } from '../runner.ts';
import { finished, type Lesson, network } from './lesson.ts';

export const truncated: Lesson = {
  id: 'truncated',
  title: 'Backpropagation through time, cut off',
  text: [
    'To go back through all steps costs memory and time. Truncated backpropagation goes back a window of k₂ steps; the state is still carried forward for ever.',
    'Here a symbol shown 15 steps ago is to be named. A goes back 10 steps: what it needs is carried forward, but no gradient ever says that it should be. B goes back through everything.',
  ],
  setup: {
    ...{ task: 'recall', length: 15, updates: 1000, seed: 0 },
    networks: [network({ window: 10, rate: 0.003 }), network({ rate: 0.003 })],
  },
  question: 'What is the shortest window with which A learns it?',
  answer({ networks: [a], length }, progress) {
    if (!finished(progress)) return undefined;
    const accuracy = percent(progress[0].evaluations.at(-1)?.metric.value);
    if (a.window === 0) return { done: false, text: 'A goes back through everything now. Give it a window.' };
    if (!hasLearned(progress[0]))
      return { done: false, text: `With a window of ${a.window}, A names ${accuracy} of the symbols. Make it longer.` };
    if (a.window > length + 1) return { done: false, text: `${a.window} is enough: ${accuracy}. Is a shorter one, too?` };
    return {
      done: true,
      text: `With ${a.window}, A names ${accuracy}: the window has to hold the ${length} steps between, and the step that is asked for.`,
    };
  },
};
