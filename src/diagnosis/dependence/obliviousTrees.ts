const depth = 3;
const trees = 30;
const rate = 0.3;
const bins = 32;
/** A leaf's mean is drawn towards 0 as if it had been seen so many times more. */
const shrinkage = 5;
const mostRows = 1000;

interface Tree {
  readonly features: number[];
  /** A row is on the right of a split where its bin is above. */
  readonly cuts: number[];
  /** [2^depth] */
  readonly leaves: Float64Array;
}

/**
 * Boosted trees whose splits are the same across each level: bends, steps and their products that no list of features foresaw.
 *
 * Source: Friedman 2001, "Greedy function approximation", algorithm 1 with squared errors; the form of the trees is Kohavi 1994's.
 */
export class ObliviousTrees {
  readonly #d: number;
  readonly #edges: Float64Array[];
  readonly #n: number;
  /** [d, rows] of every stride-th row. */
  readonly #binned: Uint8Array;
  readonly #rows: Int32Array;

  /** @param columns [d, n] */
  constructor(columns: Float64Array, d: number, n: number) {
    const stride = Math.ceil(n / mostRows);
    this.#d = d;
    this.#n = n;
    this.#rows = Int32Array.from({ length: Math.ceil(n / stride) }, (_, i) => i * stride);
    this.#edges = Array.from({ length: d }, (_, j) => quantiles(Float64Array.from(this.#rows, (r) => columns[j * n + r])));
    const all = this.#bin(columns, n);
    const R = this.#rows.length;
    this.#binned = new Uint8Array(d * R);
    for (let j = 0; j < d; j++) for (let i = 0; i < R; i++) this.#binned[j * R + i] = all[j * n + this.#rows[i]];
  }

  /** [e, m] predictions at other rows, [d, m], of e targets [e, n] at the rows that were given. */
  predict(targets: Float64Array, e: number, columns: Float64Array, m: number): Float64Array {
    const asked = this.#bin(columns, m);
    const out = new Float64Array(e * m);
    for (let o = 0; o < e; o++) {
      const left = Float64Array.from(this.#rows, (r) => targets[o * this.#n + r]);
      const own = Array.from({ length: this.#d }, (_, j) => j).filter((j) => this.#edges[j].length > 0);
      if (own.length === 0) continue;
      for (let t = 0; t < trees; t++) {
        const tree = this.#grow(left, own);
        add(tree, this.#binned, this.#rows.length, left, 0, -rate);
        add(tree, asked, m, out, o * m, rate);
      }
    }
    return out;
  }

  #grow(left: Float64Array, features: readonly number[]): Tree {
    const R = left.length;
    const binned = this.#binned;
    const leaf = new Uint8Array(R);
    const sums = new Float64Array(bins << depth);
    const counts = new Float64Array(bins << depth);
    const tree: Tree = { features: [], cuts: [], leaves: new Float64Array(1 << depth) };
    for (let level = 0; level < depth; level++) {
      let best = { gain: -1, feature: features[0], cut: 0 };
      for (const j of features) {
        sums.fill(0);
        counts.fill(0);
        for (let i = 0; i < R; i++) {
          const at = leaf[i] * bins + binned[j * R + i];
          sums[at] += left[i];
          counts[at]++;
        }
        const found = bestCut(sums, counts, 1 << level, this.#edges[j].length);
        if (found.gain > best.gain) best = { ...found, feature: j };
      }
      tree.features.push(best.feature);
      tree.cuts.push(best.cut);
      for (let i = 0; i < R; i++) leaf[i] = 2 * leaf[i] + (binned[best.feature * R + i] > best.cut ? 1 : 0);
    }
    const members = new Float64Array(tree.leaves.length);
    for (let i = 0; i < R; i++) {
      tree.leaves[leaf[i]] += left[i];
      members[leaf[i]]++;
    }
    tree.leaves.forEach((sum, l) => {
      tree.leaves[l] = sum / (members[l] + shrinkage);
    });
    return tree;
  }

  #bin(columns: Float64Array, n: number): Uint8Array {
    const out = new Uint8Array(this.#d * n);
    this.#edges.forEach((edges, j) => {
      for (let r = 0; r < n; r++) {
        let [low, high] = [0, edges.length];
        while (low < high) {
          const middle = (low + high) >> 1;
          if (columns[j * n + r] > edges[middle]) low = middle + 1;
          else high = middle;
        }
        out[j * n + r] = low;
      }
    });
    return out;
  }
}

/** The cut of one feature, the same in every leaf, that explains most. */
function bestCut(sums: Float64Array, counts: Float64Array, leaves: number, cuts: number): { gain: number; cut: number } {
  const gains = new Float64Array(cuts);
  for (let l = 0; l < leaves; l++) {
    let whole = 0;
    let members = 0;
    for (let b = 0; b <= cuts; b++) {
      whole += sums[l * bins + b];
      members += counts[l * bins + b];
    }
    let sum = 0;
    let count = 0;
    for (let b = 0; b < cuts; b++) {
      sum += sums[l * bins + b];
      count += counts[l * bins + b];
      gains[b] += sum ** 2 / (count + shrinkage) + (whole - sum) ** 2 / (members - count + shrinkage);
    }
  }
  let cut = 0;
  for (let b = 1; b < cuts; b++) if (gains[b] > gains[cut]) cut = b;
  return { gain: gains[cut], cut };
}

/** Values between which a column is cut: at most `bins` - 1, none for a constant one. */
function quantiles(column: Float64Array): Float64Array {
  const sorted = column.slice().sort();
  const edges = new Set<number>();
  for (let b = 1; b < bins; b++) {
    const edge = sorted[Math.floor((b * sorted.length) / bins)];
    if (edge < sorted[sorted.length - 1]) edges.add(edge);
  }
  // A rare largest or smallest value is cut off too.
  if (edges.size < bins - 1 && sorted[0] < sorted[sorted.length - 1]) edges.add(sorted[0]);
  return Float64Array.from(edges).sort();
}

function add({ features, cuts, leaves }: Tree, binned: Uint8Array, n: number, out: Float64Array, at: number, factor: number): void {
  for (let r = 0; r < n; r++) {
    let leaf = 0;
    for (let level = 0; level < depth; level++) leaf = 2 * leaf + (binned[features[level] * n + r] > cuts[level] ? 1 : 0);
    out[at + r] += factor * leaves[leaf];
  }
}
