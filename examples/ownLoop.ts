/**
 * A recurrent network and its training loop written out by hand: nothing in it is of throughtime but what watches and bounds the gradient.
 * It learns to say at the last step what it read at the first, 12 steps before. Run it with `node examples/ownLoop.ts` after `npm ci`.
 */

import { boundStates, ExplosionDetector, makeClip, makeNormMonitor } from 'throughtime';

const [T, B, H] = [12, 16, 24];
const rate = 0.2;

// A plain network: h_t = tanh(u x_t + W h_{t-1} + b), y = v · h_T.
let state = 42;
const random = () => {
  state = (state * 1664525 + 1013904223) % 2 ** 32;
  return state / 2 ** 31 - 1;
};
const weights = { u: new Float64Array(H), W: new Float64Array(H * H), b: new Float64Array(H), v: new Float64Array(H) };
for (const each of Object.values(weights)) for (let i = 0; i < each.length; i++) each[i] = random() / Math.sqrt(H);
// Too strong a recurrence: without a bound its gradient grows on its way back.
for (let i = 0; i < H * H; i++) weights.W[i] *= 3;
const gradients = Object.values(weights).map((each) => new Float64Array(each.length));
const [du, dW, db, dv] = gradients;

const clip = makeClip({ globalNorm: 1 });
const monitor = makeNormMonitor();
const detector = new ExplosionDetector();

for (let update = 1; update <= 400; update++) {
  const x = Float64Array.from({ length: T * B }, random);
  const h = new Float64Array((T + 1) * B * H);
  for (let t = 0; t < T; t++) {
    for (let b = 0; b < B; b++) {
      for (let i = 0; i < H; i++) {
        let pre = weights.b[i] + weights.u[i] * x[t * B + b];
        for (let j = 0; j < H; j++) pre += weights.W[i * H + j] * h[(t * B + b) * H + j];
        h[((t + 1) * B + b) * H + i] = Math.tanh(pre);
      }
    }
  }

  for (const each of gradients) each.fill(0);
  let loss = 0;
  const dh = new Float64Array(B * H);
  for (let b = 0; b < B; b++) {
    const last = (T * B + b) * H;
    let y = 0;
    for (let i = 0; i < H; i++) y += weights.v[i] * h[last + i];
    const error = y - x[b];
    loss += error ** 2 / B;
    for (let i = 0; i < H; i++) {
      dv[i] += (2 * error * h[last + i]) / B;
      dh[b * H + i] = (2 * error * weights.v[i]) / B;
    }
  }
  for (let t = T - 1; t >= 0; t--) {
    // dL/dh_t of each sequence, before it goes on to step t - 1.
    boundStates([dh], B, H, 'norm', 0.1);
    const before = dh.slice();
    dh.fill(0);
    for (let b = 0; b < B; b++) {
      for (let i = 0; i < H; i++) {
        const dPre = before[b * H + i] * (1 - h[((t + 1) * B + b) * H + i] ** 2);
        du[i] += dPre * x[t * B + b];
        db[i] += dPre;
        for (let j = 0; j < H; j++) {
          dW[i * H + j] += dPre * h[(t * B + b) * H + j];
          dh[b * H + j] += dPre * weights.W[i * H + j];
        }
      }
    }
  }

  const { p90 } = monitor(gradients);
  const { norm, clippedNorm } = clip(gradients);
  const sign = detector.see({ loss, gradientNorm: norm, decrease: rate * clippedNorm ** 2, sequences: B });
  if (sign?.exploding) throw new Error(`update ${update}: ${sign.because}`);
  for (const [index, each] of Object.values(weights).entries()) for (let i = 0; i < each.length; i++) each[i] -= rate * gradients[index][i];
  if (update % 100 === 0)
    console.log(`update ${update}  loss ${loss.toFixed(4)}  norm ${norm.toFixed(3)}  90% of norms below ${p90.toFixed(3)}`);
}
