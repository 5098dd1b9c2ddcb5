/** The input vector of `fvsrn`: coordinates, Fourier features and the latent vector (fvsrn.md, "Evaluation"). */

/**
 * @param {object} model of the architecture
 * @param {ArrayLike<number>} grid (F, G_1, ..., G_d)
 * @param {number[]} active sizes of the active axes
 * @returns {import("./network.mjs").Encode}
 */
export function makeFvsrnEncoder(model, grid, active) {
  const { inputs } = model;
  const latent = makeInterpolation(model, grid);
  const octaves = Math.max(...inputs.map((input) => input.octaves));
  const rows = model.rows === null ? [] : projectionRows(model.rows, active.length, model.timeAxis);
  const place = new Float64Array(active.length);
  return (indices, target, start, pace) => {
    let at = start;
    const put = (value) => {
      target[at] = value;
      at += pace;
    };
    for (let axis = 0; axis < place.length; axis++) place[axis] = indices[axis] / (active[axis] - 1);
    inputs.forEach(({ raw }, axis) => raw === 1 && put(place[axis]));
    for (const wave of [Math.cos, Math.sin]) {
      for (let l = 0; l < octaves; l++) {
        inputs.forEach((input, axis) => input.octaves > l && put(wave(2 * Math.PI * 2 ** l * place[axis])));
      }
    }
    for (const wave of [Math.cos, Math.sin]) {
      for (const row of rows) put(wave(2 * Math.PI * row.reduce((sum, entry, axis) => sum + entry * place[axis], 0)));
    }
    latent(place, put);
  };
}

/** Multilinear interpolation of all features at a place in [0, 1]^d. */
function makeInterpolation({ grid: nodes, features }, grid) {
  const steps = nodes.map((_, axis) => nodes.slice(axis + 1).reduce((product, length) => product * length, 1));
  const size = nodes[0] * steps[0];
  const corners = 2 ** nodes.length;
  const weights = new Float64Array(corners);
  const offsets = new Int32Array(corners);
  return (place, put) => {
    weights[0] = 1;
    offsets[0] = 0;
    let count = 1;
    for (let axis = 0; axis < nodes.length; axis++, count *= 2) {
      const u = place[axis] * (nodes[axis] - 1);
      const node = Math.min(Math.floor(u), nodes[axis] - 2);
      const t = u - node;
      for (let corner = 0; corner < count; corner++) {
        weights[count + corner] = weights[corner] * t;
        offsets[count + corner] = offsets[corner] + (node + 1) * steps[axis];
        weights[corner] *= 1 - t;
        offsets[corner] += node * steps[axis];
      }
    }
    for (let feature = 0; feature < features; feature++) {
      let sum = 0;
      for (let corner = 0; corner < corners; corner++) sum += weights[corner] * grid[feature * size + offsets[corner]];
      put(sum);
    }
  };
}

/** The entries of the rows for each axis, 0 for time: sums of words of SplitMix64. */
function projectionRows({ count, scale, seed }, axes, timeAxis) {
  const space = [...Array(axes).keys()].filter((axis) => axis !== timeAxis);
  return Array.from({ length: count }, (_, row) => {
    const entries = Array(axes).fill(0);
    space.forEach((axis, b) => {
      const first = 3 * (row * space.length + b) + 1;
      const sum = [0, 1, 2].reduce((total, k) => total + wordSum(splitMix64(seed, first + k)), 0);
      entries[axis] = (scale * (sum - 393210)) / 2 ** 24;
    });
    return entries;
  });
}

function wordSum(number) {
  let sum = 0;
  for (let shift = 0n; shift < 64n; shift += 16n) sum += Number((number >> shift) & 0xffffn);
  return sum;
}

/** The k-th output, counted from 1. */
function splitMix64(seed, k) {
  const wrap = (number) => BigInt.asUintN(64, number);
  let z = wrap(BigInt(seed) + BigInt(k) * 0x9e3779b97f4a7c15n);
  z = wrap((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = wrap((z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return z ^ (z >> 31n);
}
