import { computed, effect, signal } from '@preact/signals';
import { lessons } from './lesson/lessons.ts';
import { Runner } from './runner.ts';
import { addressOf, type NetworkSetup, type Setup, setupFrom } from './setup.ts';
import type { OwnFile } from './worker/messages.ts';

const asked = new URLSearchParams(location.search).get('lesson');

export const lesson = signal(lessons.find(({ id }) => id === asked) ?? lessons[0]);
export const setup = signal<Setup>(setupFrom(location.search, lesson.value.setup));
/** The visitor's own file; it stays on the page. */
export const file = signal<OwnFile | undefined>(undefined);
export const runner = new Runner();
/** The setup that was run last, whose outcome is shown. */
export const ran = signal<Setup | undefined>(undefined);
/** The look that is shown, of those of the run; the newest, where undefined. */
export const moment = signal<number | undefined>(undefined);
/** Steps back that the gradient has gone in the picture. */
export const stepsBack = signal(0);
export const cursor = signal<number | undefined>(undefined);
export const lagCursor = signal<number | undefined>(undefined);

export const shownLook = computed(() => {
  const most = Math.max(0, ...runner.progress.value.map(({ looks }) => looks.length)) - 1;
  return moment.value === undefined ? most : Math.min(moment.value, most);
});

effect(() => {
  const address = addressOf(lesson.value.id, setup.value, lesson.value.setup, location.search);
  if (address !== location.search) history.replaceState(null, '', address);
});

export function choose(id: string): void {
  const found = lessons.find((each) => each.id === id);
  if (!found) return;
  runner.stop();
  runner.progress.value = [];
  [lesson.value, setup.value, ran.value, moment.value] = [found, found.setup, undefined, undefined];
}

export function change(fields: Partial<Setup>): void {
  setup.value = { ...setup.value, ...fields };
}

export function changeNetwork(index: number, fields: Partial<NetworkSetup>): void {
  const networks = setup.value.networks.map((each, at) => (at === index ? { ...each, ...fields } : each));
  change({ networks: networks as unknown as Setup['networks'] });
}

export function run(): void {
  [ran.value, moment.value] = [setup.value, undefined];
  runner.run(setup.value, file.value);
}
