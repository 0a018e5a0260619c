import type { Frame } from './axes.tsx';
import type { Rule } from './figure.ts';
import type { Scale } from './scales.ts';

export interface PlacedRule {
  readonly rule: Rule;
  /** Where the rule is, in the picture. */
  readonly at: number;
  readonly labelX: number;
  readonly labelY: number;
  readonly anchor: 'start' | 'end';
}

const lineHeight = 13;

/** Rules within a frame, with labels that do not cover each other: those of horizontal rules beside the frame, those of vertical ones at the top. */
export function placeLabels(rules: readonly Rule[], frame: Frame, x: Scale, y: Scale): PlacedRule[] {
  const across = rules
    .filter(({ axis }) => axis === 'y')
    .map((rule) => ({ rule, at: y(rule.at) }))
    .filter(({ at }) => at >= frame.top - 1 && at <= frame.bottom + 1)
    .sort((a, b) => a.at - b.at);
  let lowest = frame.top - lineHeight;
  const horizontal = across.map(({ rule, at }): PlacedRule => {
    lowest = Math.max(lowest + lineHeight, at + 4);
    return { rule, at, labelX: frame.right + 6, labelY: lowest, anchor: 'start' };
  });
  const upright = rules
    .filter(({ axis }) => axis === 'x')
    .map((rule) => ({ rule, at: x(rule.at) }))
    .filter(({ at }) => at >= frame.left - 1 && at <= frame.right + 1)
    .sort((a, b) => a.at - b.at);
  const vertical = upright.map(({ rule, at }, index): PlacedRule => {
    const anchor = at > (frame.left + frame.right) / 2 ? 'end' : 'start';
    return { rule, at, labelX: at + (anchor === 'end' ? -5 : 5), labelY: frame.top + 9 + index * lineHeight, anchor };
  });
  return [...horizontal, ...vertical];
}
