import { ThroughtimeError } from '../../errors.ts';
import type { Diagnosis } from '../diagnose.ts';
import type { Finding, VerdictKind } from '../verdict/verdict.ts';
import { percent, say } from '../verdict/words.ts';
import { added, type Candidate, candidatesFor, keyOf, mostCandidates } from './candidates.ts';
import { rank, rungs } from './halving.ts';
import { isSure, meanOf, paired, partOf } from './paired.ts';
import type { Bench, Best, Gain, Judged, Lap, Outcome, Repetition, Treatment, Trial, TriedChange } from './treat.ts';

/** Rounds of candidates: what has helped and not cured is the base of the next round. */
const mostRounds = 6;
/** Seeds that a recommendation has been seen to work with, the experiment's own among them. */
const seeds = 2;

/** A candidate on the bench. */
interface Entry {
  readonly candidate: Candidate;
  readonly trial: Trial;
  lap: Lap | null;
  judged: Judged | null;
  /** With another seed, where it was sick with that one. */
  failed: Judged | null;
  because: string;
  readonly repetitions: Repetition[];
}

/**
 * Finds a change of an experiment that cures it, or says that none was found. The experiment is trained and judged as it is; the prescriptions of its
 * verdict, and what they come to together, are trained on the same data by successive halving; the two that are left are trained to the end and
 * judged; the better is trained with another seed, and so is the experiment. It is recommended if it is better than the experiment beyond chance with
 * both seeds, on held-out units that no choice was made on. Where the best candidate is better and not well, its own prescriptions are the
 * next round.
 *
 * @throws STOPPED where it is stopped before the experiment has been judged.
 */
export async function findCure(bench: Bench): Promise<Treatment> {
  return new Search(bench).run();
}

class Search {
  readonly #bench: Bench;
  readonly #tried: Entry[] = [];
  /** The experiment as it is, by repetition. */
  readonly #before: { trial: Trial; lap: Lap; judged: Judged }[] = [];
  readonly #rejected = new Set<Entry>();
  readonly #bases = new Set<Entry>();
  #trials = 0;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  async run(): Promise<Treatment> {
    const bench = this.#bench;
    await this.#trainBefore(0);
    const { diagnosis } = this.#before[0].judged;
    if (!diagnosis.sick) return this.#answer(null, nothingToCure(diagnosis));
    let base: Entry | undefined;
    let findings = diagnosis.findings;
    for (let round = 0; round < mostRounds && !bench.stop(); round++) {
      const entries = this.#enter(findings, base);
      if (entries.length === 0) break;
      const finalists = await this.#halve(entries, bench.updatesOf(base?.candidate.change ?? {}));
      for (const entry of byLoss(finalists.filter(({ judged }) => judged && !judged.diagnosis.sick))) {
        if (bench.stop()) break;
        const best = await this.#confirm(entry);
        if (best?.cured) return this.#answer(best, curedBecause(best));
        if (!best) this.#rejected.add(entry);
      }
      base = this.#promising();
      const latest = base?.failed ?? base?.judged;
      if (!latest) break;
      findings = latest.diagnosis.findings;
    }
    return this.#withoutCure();
  }

  /** Nothing is well: what is better beyond chance, and on the way there. */
  async #withoutCure(): Promise<Treatment> {
    const bench = this.#bench;
    const { diagnosis } = this.#before[0].judged;
    const count = this.#tried.length;
    if (count === 0) {
      const cut = diagnosis.cutShort.some((each) => each.startsWith('updates'));
      const more = cut ? '; give a larger --budget, so that the training comes to its end' : '';
      const none = `The verdict is ${diagnosis.verdict}, and nothing is prescribed for it that could be tried${more}: ${diagnosis.findings[0].because}`;
      return this.#answer(null, bench.stop() ? `Stopped before anything was tried; the verdict is ${diagnosis.verdict}.` : none);
    }
    const better = byLoss(this.#tried.filter((entry) => entry.judged && !this.#rejected.has(entry) && this.#gain(entry, 0)?.sure));
    for (const entry of better.slice(0, 2)) {
      if (bench.stop()) break;
      const best = await this.#confirm(entry);
      if (best) return this.#answer(best, best.cured ? curedBecause(best) : betterBecause(best));
    }
    const changes = `${count} change${count === 1 ? '' : 's'}`;
    const promising = better.find((entry) => entry.repetitions.length < seeds);
    const until = bench.stop() === 'signal' ? 'it was stopped' : 'the budget ended';
    return this.#answer(
      null,
      bench.stop() && promising
        ? `Nothing is recommended: ${until} before the most promising of ${changes} had been seen to work with ${seeds} seeds.`
        : bench.stop()
          ? `Nothing is recommended: ${until} before any of ${changes} had been seen to work.`
          : `Nothing is recommended: none of ${changes} was better than the experiment with ${seeds} seeds on held-out data.`,
    );
  }

  /** Trains and judges the experiment as it is. */
  async #trainBefore(repetition: number): Promise<void> {
    const bench = this.#bench;
    if (this.#before[repetition]) return;
    const trial = { id: this.#trials++, change: {}, repetition };
    if (repetition === 0) bench.told('the experiment as it is');
    const lap = await bench.advance(trial, bench.updatesOf({}));
    if (repetition > 0 && lap.updates < this.#before[0].lap.updates) return;
    if (repetition === 0 && lap.updates < lap.asked && bench.stop() === 'signal') {
      throw new ThroughtimeError('STOPPED', 'the treatment was stopped before the experiment had been judged; begin it again');
    }
    const judged = await bench.judge(trial);
    if (repetition === 0) bench.told(`it is ${judged.diagnosis.verdict}, at a loss of ${say(judged.diagnosis.loss.model)}`);
    this.#before[repetition] = { trial, lap, judged };
  }

  /** What a round tries. */
  #enter(findings: readonly Finding[], base: Entry | undefined): Entry[] {
    const bench = this.#bench;
    const known = this.#tried.map(({ candidate }) => candidate.change);
    const options = { known, accepts: (change: Candidate['change']) => bench.accepts(change) };
    const found = candidatesFor(findings, { ...options, base: base?.candidate });
    // What came next to it, together with it.
    const next = base && this.#tried.find((entry) => entry !== base && entry.judged && !this.#rejected.has(entry));
    if (base && next) {
      const both = added(base.candidate, next.candidate);
      if (bench.accepts(both.change) && !known.some((each) => keyOf(each) === keyOf(both.change))) found.push(both);
    }
    const entries = found.slice(0, mostCandidates).map((candidate) => ({
      ...{ candidate, lap: null, judged: null, failed: null, because: '', repetitions: [] },
      trial: { id: this.#trials++, change: candidate.change, repetition: 0 },
    }));
    this.#tried.push(...entries);
    return entries;
  }

  /** Successive halving. Returns those that were trained to the end and judged. */
  async #halve(entries: readonly Entry[], updates: number): Promise<Entry[]> {
    const bench = this.#bench;
    let left = [...entries];
    for (const { share, keep } of rungs) {
      const kept = keep(left.length);
      if (left.length <= kept || bench.stop()) continue;
      const at = Math.ceil(share * updates);
      bench.told(`${left.length} changes for ${at} updates each`);
      await this.#advance(left, () => at);
      left = left.filter(({ lap }) => lap !== null);
      if (bench.stop()) break;
      const { order } = rank(left.map(({ lap }) => lap?.losses ?? null));
      for (const index of order.slice(kept)) left[index].because = `left out after ${at} updates: others were ahead, or likelier`;
      left = order.slice(0, kept).map((index) => left[index]);
    }
    if (bench.stop()) {
      for (const entry of left) entry.because ||= 'the time ended before it was trained to its end';
      return [];
    }
    bench.told(`${left.length === 1 ? '1 change' : `${left.length} changes`} to the end`);
    await this.#advance(left, ({ candidate }) => bench.updatesOf(candidate.change));
    await Promise.all(left.map((entry) => this.#judge(entry)));
    return left.filter(({ judged }) => judged !== null);
  }

  /** Goes on with candidates; what does not go with the data is left out, and said so. */
  async #advance(entries: readonly Entry[], updates: (entry: Entry) => number): Promise<void> {
    await Promise.all(
      entries.map(async (entry) => {
        try {
          entry.lap = await this.#bench.advance(entry.trial, updates(entry));
        } catch (cause) {
          if (!(cause instanceof ThroughtimeError)) throw cause;
          if (cause.kind !== 'input' && cause.code !== 'TRAINING_EXPLODED' && cause.code !== 'MEMORY_EXHAUSTED') throw cause;
          entry.lap = null;
          entry.because = `cannot be trained: ${cause.message}`;
        }
      }),
    );
  }

  async #judge(entry: Entry): Promise<void> {
    const { trial, lap } = entry;
    if (!lap) return;
    if (lap.updates < lap.asked && this.#bench.stop()) {
      entry.because ||= `cut short after ${lap.updates} of ${lap.asked} updates`;
      return;
    }
    entry.judged = await this.#bench.judge(trial);
    const { diagnosis } = entry.judged;
    entry.repetitions.push(repetitionOf(0, entry.judged));
    entry.because = `${diagnosis.verdict}: ${diagnosis.findings[0].because}`;
    this.#bench.told(`${sayChange(entry.candidate)}: ${diagnosis.verdict}, at a loss of ${say(diagnosis.loss.model)}`);
  }

  /** Trains a candidate and the experiment with further seeds, and compares them; null where it is not better with each. */
  async #confirm(entry: Entry): Promise<Best | null> {
    const bench = this.#bench;
    const { candidate } = entry;
    if (!this.#gain(entry, 0)?.sure) return null;
    const judged = [entry.judged as Judged];
    for (let repetition = 1; repetition < seeds; repetition++) {
      bench.told(`${sayChange(candidate)} and the experiment once more, with another seed`);
      const trial = { id: this.#trials++, change: candidate.change, repetition };
      const [lap] = await Promise.all([bench.advance(trial, bench.updatesOf(candidate.change)), this.#trainBefore(repetition)]);
      if (lap.updates < lap.asked && bench.stop()) return null;
      const again = await bench.judge(trial);
      entry.repetitions.push(repetitionOf(repetition, again));
      judged.push(again);
      if (again.diagnosis.sick && !entry.judged?.diagnosis.sick) entry.failed = again;
      if (!this.#before[repetition]) return null;
    }
    const gains = judged.map((each, repetition) => gainOf(this.#before[repetition].judged, each, repetition));
    // Where the experiment is well with another seed, there is nothing to be better than.
    const both = (index: number) => !judged[index].diagnosis.sick && !this.#before[index].judged.diagnosis.sick;
    if (!gains.every((gain, index) => isSure(gain) || both(index))) {
      const { verdict } = judged[judged.length - 1].diagnosis;
      entry.because += ` With another seed it is ${verdict}, and not better than the experiment beyond chance.`;
      return null;
    }
    const cured = judged.every(({ diagnosis }) => !diagnosis.sick);
    const { verdict, loss } = judged[0].diagnosis;
    return { change: candidate.change, why: candidate.why, cured, verdict, loss: loss.model, gains };
  }

  #gain({ judged }: Entry, repetition: number): (Gain & { sure: boolean }) | null {
    if (!judged) return null;
    const gain = gainOf(this.#before[repetition].judged, judged, repetition);
    return { ...gain, sure: isSure(gain) };
  }

  /**
   * The base of the next round, of which none has gone out yet: of those that are still sick and as good as the best, the one whose verdict comes last on the way
   * to a network that learns; none where there is no other.
   */
  #promising(): Entry | undefined {
    const sick = this.#tried.filter((entry) => (entry.failed ?? entry.judged)?.diagnosis.sick && !this.#bases.has(entry));
    const { order, alike } = rank(sick.map(({ judged, failed }) => (failed ?? judged)?.losses ?? null));
    const [base] = order
      .slice(0, alike)
      .map((index) => sick[index])
      .sort((a, b) => stageOf(b) - stageOf(a));
    if (base) this.#bases.add(base);
    return base;
  }

  #answer(best: Best | null, because: string): Treatment {
    const [first] = this.#before;
    const repetitions = this.#before.filter((each) => each !== undefined).map(({ judged }, index) => repetitionOf(index, judged));
    return {
      before: { ...outcomeOf(first.lap, first.judged, repetitions), diagnosis: first.judged.diagnosis },
      tried: this.#tried.map(
        ({ candidate, lap, judged, because, repetitions: all }): TriedChange => ({
          ...{ change: candidate.change, why: candidate.why },
          ...outcomeOf(lap, judged, all),
          because,
        }),
      ),
      ...{ best, because, stopped: this.#bench.stop() },
    };
  }
}

/** How far a training has come by its verdict: first it must not explode, then the gradient must arrive, then it must be enough. */
const stages: readonly VerdictKind[] = ['exploding', 'truncated', 'vanishing', 'inconclusive', 'hard-task'];
const stageOf = ({ judged, failed }: Entry) => {
  const latest = failed ?? judged;
  return latest ? stages.indexOf(latest.diagnosis.verdict) : -1;
};

function outcomeOf(lap: Lap | null, judged: Judged | null, repetitions: readonly Repetition[]): Outcome {
  const mean = lap?.losses ? meanOf(lap.losses) : Infinity;
  return {
    verdict: judged?.diagnosis.verdict ?? null,
    sick: judged?.diagnosis.sick ?? null,
    loss: judged ? judged.diagnosis.loss.model : Number.isFinite(mean) ? mean : null,
    repetitions,
    updates: lap?.updates ?? 0,
    seconds: lap?.seconds ?? 0,
    secondsPerUpdate: lap?.secondsPerUpdate ?? 0,
    parameters: lap?.parameters ?? 0,
    lagProfile: judged?.diagnosis.lagProfile ?? null,
  };
}

const repetitionOf = (repetition: number, { diagnosis }: Judged): Repetition => ({
  repetition,
  verdict: diagnosis.verdict,
  sick: diagnosis.sick,
  loss: diagnosis.loss.model,
});

function gainOf(before: Judged, after: Judged, repetition: number): Gain {
  return { repetition, ...paired(partOf(before.losses, 'comparison'), partOf(after.losses, 'comparison')) };
}

function byLoss(entries: readonly Entry[]): Entry[] {
  const lossOf = ({ judged }: Entry) => (judged ? meanOf(partOf(judged.losses, 'choice')) : Infinity);
  return [...entries].sort((a, b) => lossOf(a) - lossOf(b));
}

/** A change in a few words. */
export const sayChange = ({ change }: Pick<Candidate, 'change'>): string =>
  Object.entries(change)
    .filter(([, value]) => value !== null)
    .map(([field, value]) => `${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ') ||
  Object.keys(change)
    .map((field) => `without ${field}`)
    .join(' ');

function nothingToCure({ verdict, findings, dataHorizon }: Diagnosis): string {
  const why = findings[0].because;
  if (verdict === 'healthy') return `Nothing is changed, because the experiment is healthy: ${why}`;
  return dataHorizon === 0
    ? `Nothing is changed, because there is nothing to learn: ${why}`
    : `Nothing is changed, because nothing is missed: ${why}`;
}

function curedBecause({ gains, verdict }: Best): string {
  const sure = gains.filter(isSure);
  const where = sure.length === gains.length ? 'with each' : `with ${sure.length} of them, and with the other the experiment is well too`;
  return `It is ${verdict} with ${gains.length} seeds, and better than the experiment on held-out data ${where}: ${sayGains(gains)}.`;
}

function betterBecause({ gains, verdict }: Best): string {
  return `It is better than the experiment on held-out data with ${gains.length} seeds (${sayGains(gains)}), and yet ${verdict}: no cure, but the best that was found.`;
}

const sayGains = (gains: readonly Gain[]) =>
  gains
    .map(({ before, after }) =>
      Number.isFinite(before)
        ? `${say(before)} to ${say(after)}, ${percent(before > 0 ? 1 - after / before : 0)} less`
        : `not finite to ${say(after)}`,
    )
    .join('; ');
