import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ThroughtimeError } from '../errors.ts';
import type { Experiment } from '../run/experiment.ts';
import { ThreadDied, type TrialPool } from '../run/trialPool.ts';
import type { Advanced, Answer, Job } from '../run/trialThread.ts';
import { type PerformRequest, performTrial } from './performTrial.ts';

const advanced = (fields: Partial<Advanced>): Advanced => ({
  ...{ updates: 100, asked: 100, losses: null, secondsPerUpdate: 0, parameters: 1, exploded: false },
  result: { loss: { train: 1, validation: 0.5, constant: 1 }, metric: null, seconds: 3, stopped: null },
  ...fields,
});

/** A pool that answers one job after the other, or throws. */
function poolOf(...answers: (Answer | Error)[]): { pool: TrialPool; jobs: Job[] } {
  const jobs: Job[] = [];
  const run = async (job: () => Job): Promise<Answer> => {
    jobs.push(job());
    const answer = answers.shift();
    if (answer === undefined || answer instanceof Error) throw answer ?? new Error('asked once too often');
    return answer;
  };
  return { pool: { run } as unknown as TrialPool, jobs };
}

const request = (fields: Partial<PerformRequest> = {}): PerformRequest => ({
  ...{ experiment: {} as Experiment, folder: '.', run: 'run', updates: null, report: null },
  ...fields,
});

test('a trial whose thread dies is tried once more, and one that dies twice has failed', async () => {
  const once: string[] = [];
  const died = (because: string) => void once.push(because);
  const answer = await performTrial(poolOf(new ThreadDied('ended with code 9'), advanced({})).pool, request({ died }));
  assert.equal(answer?.outcome, 'done');
  assert.deepEqual(once, ['ended with code 9']);
  const twice = await performTrial(poolOf(new ThreadDied('first'), new ThreadDied('second\nat line 3')).pool, request());
  assert.deepEqual(twice, { outcome: 'failed', because: 'it has died twice: second', code: null });
});

test('what is refused has failed at once; what is no fault of the trial is thrown', async () => {
  const refused = new ThroughtimeError('MEMORY_EXHAUSTED', 'too large; take less');
  const { pool, jobs } = poolOf(refused);
  assert.deepEqual(await performTrial(pool, request()), { outcome: 'failed', because: 'too large; take less', code: 'MEMORY_EXHAUSTED' });
  assert.equal(jobs.length, 1);
  const full = new ThroughtimeError('WRITE_FAILED', 'the disk is full');
  await assert.rejects(performTrial(poolOf(full).pool, request()), full);
});

test('a pause at a rung answers the mean of the losses; an explosion before it is an end', async () => {
  const losses = Float64Array.from([1, 2, 6]);
  const paused = await performTrial(poolOf(advanced({ updates: 20, losses })).pool, request({ updates: 20 }));
  assert.deepEqual(paused, { outcome: 'reached', updates: 20, loss: 3 });
  const exploded = await performTrial(poolOf(advanced({ updates: 7, exploded: true })).pool, request({ updates: 20 }));
  assert.equal(exploded?.outcome === 'done' && exploded.explosion, true);
});

test('a stop before the end, or within the evaluation after it, answers nothing', async () => {
  assert.equal(await performTrial(poolOf(advanced({ updates: 7 })).pool, request()), null);
  const cut = advanced({ result: { loss: { train: 1, validation: null, constant: null }, metric: null, seconds: 3, stopped: 'signal' } });
  assert.equal(await performTrial(poolOf(cut).pool, request()), null);
});
