import { type Comparison, sayField } from '../run/compare/compareRuns.ts';
import type { Group } from '../run/compare/groups.ts';
import type { GroupDifference } from '../run/compare/pairs.ts';
import { cut, fittedTable, type TableColumn } from './fittedTable.ts';
import { duration, short } from './numbers.ts';
import { wrapped } from './wrapped.ts';

/** Runs that are left out for the same reason, as far as they are named each. */
const named = 20;
const indent = '  ';
/** The longest line of text; of a table, as long as there is room. */
const longest = 98;

/** What `compare` prints for people: the groups, how they differ pair by pair, and what was left out. */
export function comparisonScreen(comparison: Comparison, width: number): string {
  const { metric, metricName, better, by, pooled, runs, groups, leftOut } = comparison;
  const said = metricName === null ? metric : `${metric} (${metricName})`;
  const room = width - indent.length;
  const counted = `${runs} ${runs === 1 ? 'run' : 'runs'} in ${groups.length} ${groups.length === 1 ? 'group' : 'groups'}`;
  const head = `${counted}${by.length > 0 ? ` by ${by.join(', ')}` : ''}; ${said}, ${better} is better, the best first.`;
  const { lines, omitted } = groupTable(groups, by, room);
  return [
    '',
    ...told(head, room),
    ...(pooled.length > 0 ? told(`Each group holds several values of ${pooled.join(', ')}.`, room) : []),
    '',
    ...lines.map((line) => `${indent}${line}`),
    ...(omitted.length > 0 ? told(`Not shown for want of room: ${omitted.join(', ')}; --json has all.`, room) : []),
    '',
    ...differences(comparison, room),
    ...leftOutLines(leftOut, room),
  ].join('\n');
}

/** A sentence in lines that fit; `deeper` by so many characters. */
const told = (sentence: string, room: number, deeper = 0) =>
  wrapped(sentence, `${indent}${' '.repeat(deeper)}`, Math.min(longest, room + indent.length));

/** The last part of a path, or all of it where another field ends so too. */
function titlesOf(by: readonly string[]): string[] {
  const last = by.map((path) => path.slice(path.lastIndexOf('.') + 1));
  return by.map((path, index) => (last.indexOf(last[index]) === last.lastIndexOf(last[index]) ? last[index] : path));
}

interface GroupColumn extends TableColumn {
  readonly cell: (group: Group) => string;
  /** Whether there is anything to show; by default there is. */
  readonly when?: (group: Group) => boolean;
}

const groupColumns: readonly GroupColumn[] = [
  { title: 'n', right: true, cell: ({ n }) => String(n) },
  { title: 'mean', right: true, cell: ({ mean }) => known(mean) },
  { title: '± sd', right: true, cell: ({ deviation }) => known(deviation) },
  { title: 'min', right: true, omit: 1, cell: ({ min }) => known(min) },
  { title: 'max', right: true, omit: 1, cell: ({ max }) => known(max) },
  { title: 'failed', right: true, cell: ({ failed }) => count(failed), when: ({ failed }) => failed > 0 },
  { title: 'no result', right: true, cell: ({ missing }) => count(missing), when: ({ missing }) => missing > 0 },
  { title: 'not finite', right: true, omit: 3, cell: (group) => count(group.withNonFinite), when: (group) => group.withNonFinite > 0 },
  { title: 'verdicts', least: 8, cell: (group) => sayVerdicts(group), when: ({ verdicts }) => Object.keys(verdicts).length > 0 },
  { title: '‖g‖ p50', right: true, omit: 2, cell: ({ gradientNorm }) => known(gradientNorm.p50) },
  { title: 'updates', right: true, omit: 5, cell: ({ updates }) => (updates === null ? '-' : String(Math.round(updates))) },
  { title: 'time', right: true, omit: 4, cell: ({ seconds }) => (seconds === null ? '-' : duration(seconds)) },
];

function groupTable(groups: readonly Group[], by: readonly string[], room: number) {
  const fields = titlesOf(by).map((title, index): GroupColumn => ({ title, least: 8, cell: (group) => sayField(group.fields[by[index]]) }));
  const columns = [...fields, ...groupColumns.filter(({ when }) => when === undefined || groups.some(when))];
  return fittedTable(
    columns,
    groups.map((group) => columns.map(({ cell }) => cell(group))),
    room,
  );
}

const known = (value: number | null) => (value === null ? '-' : short(value));
const count = (value: number) => (value === 0 ? '-' : String(value));

function sayVerdicts({ verdicts, n }: Group): string {
  const counts = Object.entries(verdicts).sort(([, a], [, b]) => b - a);
  if (counts.length === 0) return '-';
  if (counts.length === 1 && counts[0][1] === n) return counts[0][0];
  return counts.map(([verdict, each]) => `${each} ${verdict}`).join(', ');
}

function differences({ groups, against, by, confidence, differences: all, metric }: Comparison, room: number): string[] {
  if (all.length === 0) return [];
  const percent = `${Math.round(100 * confidence)}%`;
  const name = (index: number) => by.map((path) => sayField(groups[index].fields[path])).join(' · ');
  const columns: TableColumn[] = [
    { title: titlesOf(by).join(' · '), least: 12 },
    { title: 'pairs', right: true },
    { title: 'difference', right: true },
    { title: `${percent} interval`, right: true },
    { title: 'p', right: true, omit: 2 },
    { title: 'better in', right: true, omit: 1 },
  ];
  const row = ({ group, pairs, mean, interval, p, betterIn }: GroupDifference) => [
    name(group),
    String(pairs),
    known(mean),
    interval ? `${short(interval[0])} to ${short(interval[1])}` : '-',
    p === null ? '-' : sayChance(p),
    pairs > 0 ? `${betterIn} of ${pairs}` : '-',
  ];
  const because = new Map<string, string[]>();
  for (const { group, because: why } of all) if (why !== null) because.set(why, [...(because.get(why) ?? []), name(group)]);
  const reasons = [...because].flatMap(([why, names]) => {
    const which = names.length === all.length ? '' : `${cut(names.join('; '), room)}: `;
    return told(`No interval: ${which}${why}.`, room);
  });
  const omitted = all.filter(({ leftOut, interval }) => leftOut > 0 && interval !== null);
  const sum = omitted.reduce((total, { leftOut }) => total + leftOut, 0);
  const misses = Math.round(1 / (1 - confidence));
  return [
    ...told(`${metric} less that of ${name(against)}, over pairs of the same seed and the same other fields (paired t):`, room),
    '',
    ...fittedTable(columns, all.map(row), room).lines.map((line) => `${indent}${line}`),
    '',
    ...reasons,
    ...(sum > 0 ? told(`Left out of these: ${sum} ${sum === 1 ? 'pair' : 'pairs'} in which a run failed or was not measured.`, room) : []),
    ...(all.length > 1 ? told(`Each interval holds by itself; of many, about one in ${misses} misses by chance.`, room) : []),
    '',
  ];
}

/** Below this, the sum that p is one less of has no digits left. */
const leastChance = 1e-12;

const sayChance = (p: number) => (p < leastChance ? '< 1e-12' : short(p));

function leftOutLines(leftOut: Comparison['leftOut'], room: number): string[] {
  if (leftOut.length === 0) return [];
  const alike = new Map<string, string[]>();
  for (const { run, why } of leftOut) {
    const reason = run.length > 2 ? why.replaceAll(run, '<run>') : why;
    alike.set(reason, [...(alike.get(reason) ?? []), run]);
  }
  const lines = [...alike].flatMap(([why, runs]) => {
    if (runs.length === 1)
      return told(why.startsWith('<run>') ? why.replaceAll('<run>', runs[0]) : `${runs[0]} ${why.replaceAll('<run>', runs[0])}`, room, 2);
    const more = runs.length > named ? ` and ${runs.length - named} more, which --json names` : '';
    const list = runs.slice(0, named).map((run) => cut(run, room - 6));
    return [
      ...told(`${runs.length} of them, ${why.startsWith('<run>') ? '' : 'each of which '}${why}:`, room, 2),
      ...told(`${list.join(', ')}${more}`, room, 4),
    ];
  });
  const head = `${leftOut.length} ${leftOut.length === 1 ? 'run is' : 'runs are'} left out:`;
  return [`${indent}${head}`, ...lines, ''];
}
