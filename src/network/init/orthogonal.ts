import type { SquareInit } from './init.ts';

/**
 * `gain` times a random orthogonal matrix, uniform in the Haar measure: the Q of a QR factorisation of a Gaussian matrix
 * whose R has a positive diagonal (Saxe, McClelland & Ganguli 2014, section 3; Mezzadri 2007, section 4). Orthonormalised
 * in float64 by Gram-Schmidt, twice over, so that |QᵀQ - I| stays at rounding.
 */
export function orthogonal(gain: number): SquareInit {
  return (matrix, at, H, random) => {
    const rows = Array.from({ length: H }, () => Float64Array.from({ length: H }, () => random.normal()));
    for (let r = 0; r < H; r++) {
      const row = rows[r];
      for (let pass = 0; pass < 2; pass++) {
        for (let q = 0; q < r; q++) {
          const other = rows[q];
          let projection = 0;
          for (let j = 0; j < H; j++) projection += row[j] * other[j];
          for (let j = 0; j < H; j++) row[j] -= projection * other[j];
        }
      }
      let square = 0;
      for (let j = 0; j < H; j++) square += row[j] * row[j];
      const norm = Math.sqrt(square);
      for (let j = 0; j < H; j++) row[j] /= norm;
      for (let j = 0; j < H; j++) matrix[at + r * H + j] = gain * row[j];
    }
  };
}
