import { effect, signal } from '@preact/signals';

/** The colours of a page, and of what is drawn on it. */
export interface Palette {
  readonly page: string;
  readonly card: string;
  readonly ink: string;
  /** Of labels and axes. */
  readonly quiet: string;
  readonly line: string;
  readonly accent: string;
  readonly good: string;
  readonly bad: string;
  /** Of curves, told apart also by those who see few colours. */
  readonly curves: readonly string[];
  /** From the smallest to the largest value of a heat map. */
  readonly heat: readonly string[];
}

const light: Palette = {
  page: '#f6f4ef',
  card: '#fffefb',
  ink: '#22262b',
  quiet: '#5f666e',
  line: '#e2ded5',
  accent: '#2b62a6',
  good: '#257a5a',
  bad: '#b3323f',
  curves: ['#2b66ad', '#c2601a', '#2a8467', '#7a4fb0', '#a8872a', '#3f8fb5', '#b3497f', '#6a7480', '#55802b', '#8a5a44'],
  heat: ['#f2eee5', '#c9dcd6', '#84b8ba', '#3f86a0', '#275a86', '#1d2c57'],
};

const dark: Palette = {
  page: '#14171b',
  card: '#1b1f25',
  ink: '#e6e4de',
  quiet: '#a1a8b0',
  line: '#2f353d',
  accent: '#8ab6ee',
  good: '#6bc7a0',
  bad: '#f08a92',
  curves: ['#7fb2f0', '#eda063', '#6cc9a6', '#bb9cec', '#d6bb62', '#7fcbe6', '#ea91be', '#a9b3bf', '#a5cc74', '#cfa189'],
  heat: ['#1d222a', '#24415a', '#2f6d86', '#4fa096', '#a6cf9a', '#f6edb0'],
};

export type ThemeName = 'light' | 'dark';

const asked = matchMedia('(prefers-color-scheme: dark)');
const chosen = new URLSearchParams(location.search).get('theme');
export const theme = signal<ThemeName>(chosen === 'light' || chosen === 'dark' ? chosen : asked.matches ? 'dark' : 'light');
asked.addEventListener('change', () => {
  if (chosen === null) theme.value = asked.matches ? 'dark' : 'light';
});

export const palette = signal<Palette>(light);
effect(() => {
  const colours = theme.value === 'dark' ? dark : light;
  palette.value = colours;
  const { style } = document.documentElement;
  for (const name of ['page', 'card', 'ink', 'quiet', 'line', 'accent', 'good', 'bad'] as const)
    style.setProperty(`--${name}`, colours[name]);
  style.colorScheme = theme.value;
});
