/** Coder 6: the cells and values of an octree by mixed chances (inrc-1.md, section 7.5). */
import { allocate, malformed } from "../outcome.mjs";
import { BitDecoder, Chances, Mixer, clamp, half } from "./adaptive.mjs";
import { MagnitudeModel } from "./magnitude.mjs";
import { INSIDE, OUTSIDE, OctreeWalk, SURFACE, UNKNOWN } from "./octree.mjs";

const INPUTS = 6;
const CONTEXTS = 8192;
const BOUND = 2 ** 20;
const FEATURES = 19;
const FIRST_GAINS = [-4900, -4900, -4900, 6500, 6500, 6500, 0, 0, 0, 5200, 5200, 5200, 0, 0, 0, 0, 0, 0, 7900];
const BEFORE = [];
const WIDE = [];
const DIAGONALS = [[-1, -1, 0], [-1, 0, -1], [0, -1, -1], [-1, 1, 0], [-1, 0, 1], [0, -1, 1]];
const FACES = [[-1, 0, 0], [0, -1, 0], [0, 0, -1], [0, 0, 1], [0, 1, 0], [1, 0, 0]];
const AXES = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

for (let x = -2; x <= 2; x++) {
  for (let y = -2; y <= 2; y++) {
    for (let z = -2; z <= 2; z++) {
      const sum = Math.abs(x) + Math.abs(y) + Math.abs(z);
      if (sum > 0) WIDE.push([x, y, z, sum === 1 ? 4 : sum === 2 ? 2 : 1]);
      if (Math.max(Math.abs(x), Math.abs(y), Math.abs(z)) < 2 && 9 * x + 3 * y + z < 0) BEFORE.push([x, y, z]);
    }
  }
}

/** Decodes an octree, and keeps its integers in coded order. */
class MixedOctree {
  constructor(shape, count, data) {
    this.shape = shape;
    this.nodes = shape.roots.map((root) => root * 2 ** shape.depth + 1);
    this.integers = allocate(Int32Array, count);
    this.next = 0;
    this.decoder = new BitDecoder(data);
    this.cellMixer = new Mixer(INPUTS, INPUTS * CONTEXTS, 32, 16384, 4);
    this.rootChances = new Chances(8, 2 ** 21);
    this.sideChances = new Chances(64, 2 ** 21);
    this.model = new MagnitudeModel();
    this.gains = Array.from({ length: 9 }, (_, kind) => Int32Array.from(FIRST_GAINS, (gain) => (kind > 0 && kind < 8 ? gain : 0)));
    const size = this.nodes[0] * this.nodes[1] * this.nodes[2];
    this.values = allocate(Int32Array, size);
    this.residuals = allocate(Int32Array, size);
    this.magnitudes = allocate(Uint8Array, size);
    this.features = new Float64Array(FEATURES);
  }

  #keep(integer) {
    if (this.next >= this.integers.length) throw malformed("an octree has more integers than its stream says (OCT-1)");
    this.integers[this.next++] = integer;
    return integer;
  }

  rootCell(level, index) {
    const before = level.steps.map((step) => level.cells[index - step]);
    const surfaces = before.filter((cell) => cell === SURFACE).length;
    if (this.decoder.direct(this.rootChances, surfaces)) return this.#keep(SURFACE);
    const insides = before.filter((cell) => cell === INSIDE).length;
    return this.#keep(this.decoder.direct(this.rootChances, 4 + insides) ? INSIDE : OUTSIDE);
  }

  child(place) {
    const [low, high, middle] = this.#distances(place);
    const near = Math.min(-low, high);
    const depth = clamp(near + 24, 0, 47);
    const side = clamp(middle + 32, 0, 63);
    const spread = clamp(Math.floor((high - low) / 4), 0, 15);
    this.#setCellContexts(place, depth, side, spread, clamp(Math.floor((near + 16) / 4), 0, 7));
    const row = (depth >> 2) + (place.number === 1 ? 16 : 0);
    if (this.cellMixer.bit(this.decoder, row, 2 ** 21)) return this.#keep(SURFACE);
    return this.#keep(this.decoder.direct(this.sideChances, side) ? INSIDE : OUTSIDE);
  }

  /** Step 1 of a child: bounds and mean of 8 times its corners, interpolated from its parent's. */
  #distances({ at, child, number }) {
    const stride = 2 ** (this.shape.depth - number);
    const corners = [];
    for (let corner = 0; corner < 8; corner++) {
      const place = [0, 1, 2].map((axis) => 2 * stride * (at[axis] + ((corner >> (2 - axis)) & 1)));
      corners.push(this.values[this.#node(...place)]);
    }
    const start = [child >> 2, (child >> 1) & 1, child & 1];
    const interpolated = corners.map((_, own) => {
      let sum = 0;
      for (let corner = 0; corner < 8; corner++) {
        let weight = 1;
        for (let axis = 0; axis < 3; axis++) {
          const place = start[axis] + ((own >> (2 - axis)) & 1);
          weight *= (corner >> (2 - axis)) & 1 ? place : 2 - place;
        }
        sum += weight * corners[corner];
      }
      return sum;
    });
    const size = this.shape.unit * stride;
    const total = interpolated.reduce((sum, value) => sum + value, 0);
    const scaled = (value) => Math.floor(value / size);
    return [scaled(32 * Math.min(...interpolated)), scaled(32 * Math.max(...interpolated)), scaled(4 * total)];
  }

  #setCellContexts({ parents, parent, level, index, child }, depth, side, spread, near) {
    const { cells, steps } = level;
    const cellAt = ([x, y, z]) => cells[index + x * steps[0] + y * steps[1] + z * steps[2]];
    let surfaces = 0;
    let unknowns = 0;
    for (let x = -1; x <= 1; x++) {
      for (let y = -1; y <= 1; y++) {
        for (let z = -1; z <= 1; z++) {
          const cell = cellAt([x, y, z]);
          if (cell === SURFACE) surfaces++;
          if (cell === UNKNOWN) unknowns++;
        }
      }
    }
    const digit = (cell) => (cell === SURFACE ? 2 : cell === UNKNOWN ? 1 : 0);
    const faces = FACES.reduce((sum, offset) => 3 * sum + digit(cellAt(offset)), 0);
    const edges = DIAGONALS.slice(0, 3).reduce((sum, offset, k) => sum + (cellAt(offset) === SURFACE ? 1 << k : 0), 0);
    const beside = [0, 1, 2].reduce((sum, axis) => {
      const after = (child >> (2 - axis)) & 1;
      const cell = parents.cells[parent + (after ? 1 : -1) * parents.steps[axis]];
      return sum + (cell === SURFACE ? 4 >> axis : 0);
    }, 0);
    const few = Math.min(surfaces, 7);
    const context = [
      depth + 48 * Math.min(surfaces, 15),
      depth + 48 * beside + 384 * child,
      faces + 729 * near,
      side + 64 * few + 512 * Math.min(unknowns >> 1, 7),
      (depth >> 2) + 12 * edges + 96 * few + 768 * Math.min(unknowns >> 2, 3),
      depth + 48 * spread,
    ];
    context.forEach((value, k) => (this.cellMixer.context[k] = k * CONTEXTS + value));
  }

  #node(x, y, z) {
    return (x * this.nodes[1] + y) * this.nodes[2] + z;
  }

  /** Index of a known node, or -1. */
  #known(x, y, z) {
    const [n0, n1, n2] = this.nodes;
    if (x < 0 || y < 0 || z < 0 || x >= n0 || y >= n1 || z >= n2) return -1;
    const node = (x * n1 + y) * n2 + z;
    return this.magnitudes[node] > 0 ? node : -1;
  }

  #residualAt(x, y, z) {
    const node = this.#known(x, y, z);
    return node < 0 ? 0 : this.residuals[node];
  }

  value(number, kind, i0, i1, i2) {
    const stride = 2 ** (this.shape.depth - number);
    const place = [i0 * stride, i1 * stride, i2 * stride];
    const odd = kind === 8 ? [] : [0, 1, 2].filter((axis) => (kind >> (2 - axis)) & 1);
    const { features } = this;
    features.fill(0);
    const base = kind === 8 ? this.#rootFeatures(place, stride) : this.#features(place, stride, odd);
    const curvature = odd.reduce((sum, axis) => sum + Math.abs(features[axis]), 0);
    const gains = this.gains[kind];
    let change = 0;
    let energy = 0;
    for (let m = 0; m < FEATURES; m++) {
      features[m] = clamp(features[m], -BOUND, BOUND);
      change += gains[m] * features[m];
      energy += features[m] * features[m];
    }
    const trend = Math.floor(change / 65536);
    const guess = clamp(base + trend, -(2 ** 31), 2 ** 31);
    const prediction = Math.floor((guess + 8) / 16);
    const residual = this.#residual({ number, kind, place, stride, odd, curvature, guess, trend, prediction });
    const value = prediction + residual;
    const node = this.#node(...place);
    this.values[node] = value;
    this.residuals[node] = clamp(16 * value - base, -(2 ** 30), 2 ** 30);
    this.magnitudes[node] = Math.min(Math.abs(residual) + 1, 255);
    if (energy > 0) learnGains(gains, features, energy, 16 * value - guess);
    this.#keep(value);
  }

  #rootFeatures([x, y, z], stride) {
    let sum = 0;
    let count = 0;
    for (const [dx, dy, dz] of AXES) {
      const node = this.#known(x - dx * stride, y - dy * stride, z - dz * stride);
      if (node < 0) continue;
      sum += this.values[node];
      count++;
    }
    const base = count === 0 ? 0 : Math.floor((16 * sum) / count);
    BEFORE.forEach(([dx, dy, dz], m) => {
      const node = this.#known(x + dx * stride, y + dy * stride, z + dz * stride);
      if (node >= 0) this.features[m] = 16 * this.values[node] - base;
    });
    return base;
  }

  /** Step 1 of a value of another class than 8. @returns {number} the base */
  #features(place, stride, odd) {
    const { features, values } = this;
    const [x, y, z] = place;
    const ends = endsOf(place, stride, odd);
    const sumOverEnds = (array) => ends.reduce((sum, end) => sum + array[this.#node(...end)], 0);
    const base = Math.floor((16 * sumOverEnds(values)) / ends.length);
    for (const axis of odd) {
      features[axis] = this.#curvature(ends, place, stride, axis);
      if (odd.length > 1) this.#besideFeatures(place, stride, axis, base);
    }
    AXES.forEach(([dx, dy, dz], axis) => {
      features[9 + axis] = this.#residualAt(x - 2 * stride * dx, y - 2 * stride * dy, z - 2 * stride * dz);
    });
    DIAGONALS.forEach(([dx, dy, dz], k) => {
      features[12 + k] = this.#residualAt(x + 2 * stride * dx, y + 2 * stride * dy, z + 2 * stride * dz);
    });
    features[18] = Math.floor(sumOverEnds(this.residuals) / ends.length);
    return base;
  }

  #besideFeatures([x, y, z], stride, axis, base) {
    const [dx, dy, dz] = AXES[axis];
    const low = this.#known(x - dx * stride, y - dy * stride, z - dz * stride);
    const high = this.#known(x + dx * stride, y + dy * stride, z + dz * stride);
    if (low >= 0 && high >= 0) this.features[3 + axis] = 8 * (this.values[low] + this.values[high]) - base;
    else if (low >= 0 || high >= 0) this.features[6 + axis] = this.residuals[Math.max(low, high)];
  }

  #curvature(ends, place, stride, axis) {
    const [dx, dy, dz] = AXES[axis].map((entry) => 2 * stride * entry);
    let sum = 0;
    let count = 0;
    for (const low of ends) {
      if (low[axis] > place[axis]) continue;
      const [x, y, z] = low;
      const v = this.values[this.#node(x, y, z)];
      const w = this.values[this.#node(x + dx, y + dy, z + dz)];
      const before = this.#known(x - dx, y - dy, z - dz);
      const after = this.#known(x + 2 * dx, y + 2 * dy, z + 2 * dz);
      if (before >= 0) sum += this.values[before] - 2 * v + w;
      if (after >= 0) sum += v - 2 * w + this.values[after];
      count += (before >= 0 ? 1 : 0) + (after >= 0 ? 1 : 0);
    }
    return count === 0 ? 0 : Math.floor((2 * sum) / count);
  }

  /** Steps 3 and 4: r with its sign. */
  #residual({ number, kind, place, stride, odd, curvature, guess, trend, prediction }) {
    const { weight, mean } = this.#around(place, stride);
    const near = this.#near(place, stride, kind, odd);
    const [a, e] = [half(mean), half(near)];
    const { model, shape } = this;
    const distance = Math.floor(Math.floor((32 * Math.abs(guess)) / shape.unit) / stride);
    model.setContext(0, Math.min(a, 23) + 24 * Math.min(e, 23));
    model.setContext(1, Math.min(a, 23) + 24 * Math.min(half(curvature), 23));
    model.setContext(2, half(2 * mean + near) + 32 * (kind & 7) + 256 * Math.min(number, 3));
    model.setContext(3, Math.min(e, 15) + 16 * Math.min(half(distance), 15) + 256 * odd.length);
    model.setContext(4, Math.min(half(trend), 15) + 16 * Math.min(a, 15) + 256 * Math.min(weight >> 5, 3));
    const row = Math.min(a >> 1, 7) + (number === 0 ? 8 : 0);
    const magnitude = model.decode(this.decoder, row, Math.floor((2 * mean + near) / 3), 0);
    if (magnitude === 0) return 0;
    const fraction = guess - 16 * prediction + 8;
    return model.sign(this.decoder, 4096 + fraction + 16 * Math.min(magnitude, 3)) ? -magnitude : magnitude;
  }

  #around([x, y, z], stride) {
    let sum = 0;
    let weights = 0;
    for (const [dx, dy, dz, weight] of WIDE) {
      const node = this.#known(x + dx * stride, y + dy * stride, z + dz * stride);
      if (node < 0) continue;
      sum += weight * (this.magnitudes[node] - 1);
      weights += weight;
    }
    return { weight: weights, mean: Math.floor((16 * sum) / Math.max(weights, 1)) };
  }

  #near([x, y, z], stride, kind, odd) {
    let sum = 0;
    let count = 0;
    const add = (axis, distance) => {
      const [dx, dy, dz] = AXES[axis];
      const node = this.#known(x + dx * distance, y + dy * distance, z + dz * distance);
      if (node < 0) return;
      sum += this.magnitudes[node] - 1;
      count++;
    };
    for (let axis = 0; axis < 3; axis++) add(axis, kind === 8 ? -stride : -2 * stride);
    if (odd.length > 1) {
      for (const axis of odd) {
        add(axis, -stride);
        add(axis, stride);
      }
    }
    return Math.floor((16 * sum) / Math.max(count, 1));
  }
}

function endsOf(place, stride, odd) {
  let ends = [place];
  for (const axis of odd) {
    ends = ends.flatMap((end) => [-stride, stride].map((step) => end.map((entry, a) => entry + (a === axis ? step : 0))));
  }
  return ends;
}

function learnGains(gains, features, energy, error) {
  const step = Math.floor((clamp(error, -BOUND, BOUND) * 300 * BOUND) / (energy + 256));
  for (let m = 0; m < FEATURES; m++) {
    gains[m] = clamp(gains[m] + Math.floor((step * features[m]) / BOUND), -BOUND, BOUND);
  }
}

/**
 * @param {import("./octree.mjs").OctreeShape} shape
 * @param {number} count of the stream, at most that of the octree
 * @param {Uint8Array} data
 * @returns {Int32Array} the integers in coded order
 */
export function decodeMixedOctree(shape, count, data) {
  const source = new MixedOctree(shape, count, data);
  new OctreeWalk(shape, source).run();
  if (source.next !== count) throw malformed("an octree has fewer integers than its stream says (OCT-1)");
  return source.integers;
}
