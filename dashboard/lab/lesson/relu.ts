import { short } from '../../data/numbers.ts';
import { hasLearned } from '../runner.ts';
import { finished, type Lesson, network } from './lesson.ts';

export const relu: Lesson = {
  id: 'relu',
  title: 'ReLU: a slope of one, and nothing that bounds it',
  text: [
    'The slope of tanh is below 1 everywhere but at 0. That of a ReLU is exactly 1 where it is not 0, so that with the identity as recurrent matrix the gradient arrives as it went off (B).',
    'Nothing bounds such a network, though. Look at the gradient norm of B: only the clip keeps its spikes from the weights.',
  ],
  setup: {
    ...{ task: 'adding', length: 60, updates: 1200, seed: 0 },
    networks: [network({ rate: 0.003 }), network({ activation: 'relu', start: 'identity', rate: 0.003 })],
  },
  question: 'What does B come to without a clip? Set it to 0.',
  answer({ networks }, progress) {
    const index = networks.findIndex(({ activation, clip }) => activation === 'relu' && clip === 0);
    if (index < 0 || !finished(progress)) return undefined;
    const { evaluations, nonFinite, updates } = progress[index];
    const loss = short(evaluations.at(-1)?.loss);
    const largest = updates.reduce((most, { gradientNorm }) => Math.max(most, Number.isFinite(gradientNorm) ? gradientNorm : most), 0);
    const failed = nonFinite > 0 ? `, and ${nonFinite} updates were not finite` : '';
    return {
      done: true,
      text: `The largest norm was ${short(largest)}${failed}; the loss ends at ${loss}${hasLearned(progress[index]) ? ': it came through this time. Try another seed' : ''}.`,
    };
  },
};
