import { moment, runner, shownLook } from './state.ts';

/** Chooses the moment of the training whose gradient is shown. */
export function Moment() {
  const [first] = runner.progress.value;
  const looks = Math.max(0, ...runner.progress.value.map((each) => each.looks.length));
  if (looks < 2) return null;
  const update = first.looks[Math.min(shownLook.value, first.looks.length - 1)]?.update ?? 0;
  return (
    <label class="tool look">
      moment
      <input
        type="range"
        min="0"
        max={looks - 1}
        value={shownLook.value}
        aria-valuetext={`after update ${update}`}
        onInput={(event) => {
          moment.value = Number(event.currentTarget.value);
        }}
      />
      <span class="update">update {update}</span>
    </label>
  );
}
