import { percent, shortPower } from '../../data/numbers.ts';
import { hasLearned, reachOf } from '../runner.ts';
import { finished, type Lesson, network } from './lesson.ts';

export const vanishing: Lesson = {
  id: 'vanishing',
  title: 'The gradient vanishes, and the curve does not say so',
  text: [
    'The learning curve is flat: the loss stays at that of the best constant. The gradient norm looks healthy. Is the task too hard, is there nothing to learn, or does the gradient not arrive?',
    'The lag profile answers. It shows how large the gradient is at the state k steps before. Sixty steps back there is next to nothing left of it, and sixty steps back is where the symbol was shown.',
  ],
  setup: { ...{ task: 'recall', length: 60, updates: 1000, seed: 0 }, networks: [network()] },
  question:
    'Shorten the lag. From where on does the very same network learn, and what is then left of the gradient at the beginning of the training?',
  answer({ length }, progress) {
    if (!finished(progress)) return undefined;
    const reach = reachOf(progress[0].looks[0]);
    const left = reach === undefined ? '' : ` At the beginning ${shortPower(reach)} of the gradient was left at lag ${length}.`;
    if (hasLearned(progress[0])) return { done: true, text: `At lag ${length} it learns.${left}` };
    return {
      done: false,
      text: `At lag ${length}, it names ${percent(progress[0].evaluations.at(-1)?.metric.value)}.${left} Shorten the lag.`,
    };
  },
};
