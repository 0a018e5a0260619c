import { short } from '../../data/numbers.ts';
import { hasLearned } from '../runner.ts';
import { nameOf } from '../setup.ts';
import { finished, type Lesson, network } from './lesson.ts';

export const gates: Lesson = {
  id: 'gates',
  title: 'Gates keep a way open: GRU and LSTM',
  text: [
    'Two of sixty numbers are marked and are to be added. A tanh network (A) sees its gradient shrink by a factor at each step. A gated one (B) has a way on which the state, and with it the gradient, passes unchanged as long as a gate says so.',
    'Watch the lag profile of B during the training: it begins small, and rises by many decades as the gates learn to keep. A small gradient at the beginning is no verdict.',
  ],
  setup: {
    ...{ task: 'adding', length: 60, updates: 900, seed: 0 },
    networks: [network({ rate: 0.01 }), network({ cell: 'gru', rate: 0.01 })],
  },
  question: 'Does an LSTM learn it as fast? Choose it for one of the two.',
  answer({ networks }, progress) {
    const index = networks.findIndex(({ cell }) => cell === 'lstm');
    if (index < 0 || !finished(progress)) return undefined;
    const loss = short(progress[index].evaluations.at(-1)?.loss);
    const found = progress[index].evaluations.find(({ loss: each }) => each < 0.25 * (progress[index].begun?.constant ?? 0));
    if (hasLearned(progress[index]) && found)
      return { done: true, text: `It learned it by update ${found.update}; its loss ends at ${loss}.` };
    return {
      done: true,
      text: `Not within ${progress[index].updates.length} updates: ${nameOf(networks[index])} ends at ${loss}. Give it more, and it will.`,
    };
  },
};
