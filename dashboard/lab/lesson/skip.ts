import { percent, shortPower } from '../../data/numbers.ts';
import { hasLearned, reachOf } from '../runner.ts';
import { finished, type Lesson, network } from './lesson.ts';

export const skip: Lesson = {
  id: 'skip',
  title: 'A shorter way through time',
  text: [
    'Sixty steps of one are four steps of fifteen. B is the network of the lesson on vanishing, with one thing added: a step also reads the state fifteen steps before.',
    'The gradient has both ways. Along the short one it is multiplied four times, not sixty, so that at every fifteenth step more of it is left than in between: look for the steps in the lag profile.',
  ],
  setup: {
    ...{ task: 'recall', length: 60, updates: 1200, seed: 0 },
    networks: [network(), network({ skip: 'weighted', skipLag: 15 })],
  },
  question: 'Does it have to be fifteen? Try 7, which does not lead to the sixtieth step in whole strides, and 20, 30.',
  answer({ networks }, progress) {
    const index = networks.findIndex((each) => each.skip !== 'none');
    if (index < 0 || !finished(progress)) return undefined;
    const { skipLag } = networks[index];
    const reach = reachOf(progress[index].looks[0]);
    const left = reach === undefined ? '' : ` At the beginning ${shortPower(reach)} of the gradient was left at the longest lag.`;
    const accuracy = percent(progress[index].evaluations.at(-1)?.metric.value);
    const learned = hasLearned(progress[index]) ? 'it learns' : 'it does not learn in these updates';
    return {
      done: skipLag !== 15,
      text: `With strides of ${skipLag}, ${learned}: ${accuracy}.${left}${skipLag === 15 ? ' And with others?' : ''}`,
    };
  },
};
