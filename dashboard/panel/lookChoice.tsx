import { whole } from '../data/numbers.ts';
import { place, setPlace } from '../data/place.ts';
import { looksOf, type Shown } from './shown.ts';

/** Chooses the look that is shown, among those of the run in focus. */
export function LookChoice({ shown }: { shown: readonly Shown[] }) {
  const looks = shown.length > 0 ? (looksOf(shown[0])?.looks ?? []) : [];
  if (looks.length < 2) return null;
  const { look } = place.value;
  const index =
    look === undefined
      ? looks.length - 1
      : Math.max(
          0,
          looks.findLastIndex((update) => update <= look),
        );
  return (
    <label class="tool look">
      look
      <input
        type="range"
        min="0"
        max={looks.length - 1}
        value={index}
        aria-valuetext={`after update ${looks[index]}`}
        onInput={(event) => {
          const chosen = Number(event.currentTarget.value);
          setPlace({ look: chosen === looks.length - 1 ? undefined : looks[chosen] });
        }}
      />
      <span class="update">{whole(looks[index])}</span>
    </label>
  );
}
