import type { Examination } from '../examination/examination.ts';
import type { Reading } from './reading.ts';
import type { Judge, Opinion, Prescription } from './verdict.ts';
import { inputs, percent, say } from './words.ts';

/** What was measured does not decide; says what it would take. */
export const inconclusive: Judge = {
  kind: 'inconclusive',
  judge(examination, reading): Opinion {
    const { data, loss, course } = examination;
    return {
      decisive: true,
      finding: {
        kind: 'inconclusive',
        because: sentence(examination, reading),
        evidence: {
          dataHorizon: data.horizon,
          dataOutcome: data.outcome,
          largestNotExcluded: data.largestNotExcluded,
          needed: data.needed,
          loss: loss.model,
          constant: loss.constant,
          updates: course?.updates ?? null,
          updatesAsked: course?.asked ?? null,
        },
        prescription: prescriptionOf(examination, reading),
      },
    };
  },
};

function sentence({ data, loss, course, subject }: Examination, { cut, share, something }: Reading): string {
  if (data.horizon > 0 && !something && data.cutShort.length > 0) {
    return `A dependence on the newest ${inputs(data.horizon)} was found, but the test of the data was cut short (${data.cutShort.join(', ')}) before it was known what that is worth; give it more time.`;
  }
  if (data.horizon > 0 && !something) {
    const want = data.needed === null ? 'more' : `about ${data.needed}`;
    return `A dependence on the newest ${inputs(data.horizon)} was found, but the best predictor found (loss ${say(data.reference.loss)}) is hardly better than a constant (${say(data.reference.constant ?? loss.constant)} there, ${say(loss.constant)} on the validation part), and ${subject.sequences} sequences are too few to say what there is to learn; it would take ${want}.`;
  }
  if (data.horizon === 0 && data.cutShort.length > 0) {
    return `The test of the data was cut short (${data.cutShort.join(', ')}) before anything was found, so that nothing can be said; give it more time.`;
  }
  if (data.horizon === 0) {
    const unit = data.data.unit === 'block' ? 'steps' : 'sequences';
    const want =
      data.needed === null ? '' : `; about ${data.needed} ${unit} would show one that sets ${percent(data.strength)} of the target`;
    return `Nothing was found in ${subject.sequences} sequences, and they are too few to rule a dependence out${want}; the network's loss is ${say(loss.model)}, that of a constant ${say(loss.constant)}.`;
  }
  if (cut && course) {
    return `The training was cut short after ${course.updates} of ${course.asked} updates, with ${percent(Math.max(0, share))} of what the data allow learned; that says nothing about a hard task, and it takes the other updates to know.`;
  }
  return `The data depend on the newest ${inputs(data.horizon)}, and what was measured of the network (loss ${say(loss.model)}, constant ${say(loss.constant)}, reference ${say(data.reference.loss)}) does not say why it falls short; more updates, or a look at it while it trains, would.`;
}

function prescriptionOf({ data, subject, course }: Examination, { cut, something }: Reading): Prescription[] {
  if (!something && data.cutShort.length > 0) return [];
  if (!something) {
    return data.needed === null
      ? []
      : [
          {
            set: { 'data.trainSequences': data.needed },
            why: 'a test of the data that can find what a network could learn takes about so many sequences',
          },
        ];
  }
  if (cut || !course || !subject.training) return [];
  return [{ set: { 'training.updates': 4 * subject.training.updates }, why: 'the reach of the gradient was still growing' }];
}
