import { place } from '../data/place.ts';
import { Compare } from './compare.tsx';
import { Events } from './events.tsx';
import { GradientNorm } from './gradientNorm.tsx';
import { Growth } from './growth.tsx';
import { LagMap } from './lagMap.tsx';
import { LagProfile, TransportPanel } from './lagProfile.tsx';
import { LearningCurve } from './learningCurve.tsx';
import { LookCurves, lookCurves } from './lookCurves.tsx';
import { looksOf, type Shown } from './shown.ts';
import { TreatPanel } from './treat.tsx';
import { TuneClipPanel } from './tuneClip.tsx';
import { VerdictPanel } from './verdict.tsx';

/** All panels that have something to show, in order; or the one that the place names. */
export function Panels({ shown }: { shown: readonly Shown[] }) {
  const { panel } = place.value;
  const seen = (id: string) => panel === undefined || panel === id;
  const looks = looksOf(shown[0]);
  const measured = new Set(looks?.series.map(({ monitor }) => monitor));
  return (
    <>
      {seen('verdict') && <VerdictPanel shown={shown} />}
      {shown.length > 1 && seen('compare') && <Compare shown={shown} />}
      {seen('learning-curve') && <LearningCurve shown={shown} />}
      {seen('gradient-norm') && <GradientNorm shown={shown} />}
      {seen('lag-profile') && measured.has('lag-profile') && <LagProfile shown={shown} />}
      {seen('lag-map') && measured.has('lag-profile') && <LagMap shown={shown} />}
      {seen('growth') && <Growth shown={shown} />}
      {lookCurves.map(
        (curve) => seen(curve.monitor) && measured.has(curve.monitor) && <LookCurves key={curve.monitor} shown={shown} curve={curve} />,
      )}
      {seen('transport') && <TransportPanel shown={shown} />}
      {seen('tune-clip') && <TuneClipPanel shown={shown} />}
      {seen('treat') && <TreatPanel shown={shown} />}
      {seen('events') && <Events shown={shown} />}
    </>
  );
}
