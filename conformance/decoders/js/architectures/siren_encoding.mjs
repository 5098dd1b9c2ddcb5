/** Encodings of coordinates for `siren`. */

/**
 * @typedef {object} Encoding
 * @property {"mlp" | "nerf" | "positional" | "gauss"} kind
 * @property {number} [frequencies] L
 * @property {number} [thousandths] s
 * @property {bigint} [seed]
 */

/** @param {Encoding} encoding @param {number} axes d @returns {number} E */
export function encodingLength({ kind, frequencies }, axes) {
  if (kind === "mlp") return axes;
  if (kind === "nerf") return axes * (1 + 2 * frequencies);
  return kind === "positional" ? 2 * axes * frequencies : 2 * frequencies;
}

/**
 * @param {Encoding} encoding
 * @param {number} axes d
 * @returns {(position: ArrayLike<number>, target: Float64Array, start: number, pace: number) => void} writes v from `start` on,
 *   an entry every `pace`
 */
export function makeEncoder(encoding, axes) {
  const raw = encoding.kind === "mlp" || encoding.kind === "nerf" ? axes : 0;
  const rows = encoding.kind === "mlp" ? [] : phaseRows(encoding, axes);
  return (position, target, start, pace) => {
    let at = start;
    for (let axis = 0; axis < raw; axis++, at += pace) target[at] = position[axis];
    for (const { factor, weights } of rows) {
      let sum = 0;
      for (let axis = 0; axis < axes; axis++) sum += weights[axis] * position[axis];
      const phase = factor * sum;
      target[at] = Math.sin(phase);
      target[at + pace] = Math.cos(phase);
      at += 2 * pace;
    }
  };
}

/** Each row is a phase, `factor * (weights . position)`, of a sine and a cosine. */
function phaseRows(encoding, axes) {
  const { kind, frequencies, thousandths } = encoding;
  const scale = thousandths / 1000;
  if (kind === "gauss") return gaussRows(encoding, axes).map((weights) => ({ factor: 2 * Math.PI * scale, weights }));
  const rows = [];
  for (let l = 0; l < frequencies; l++) {
    const factor = kind === "nerf" ? scale ** l * Math.PI : 2 * Math.PI * scale ** (l / frequencies);
    for (let axis = 0; axis < axes; axis++) {
      rows.push({ factor, weights: Array.from({ length: axes }, (_, other) => (other === axis ? 1 : 0)) });
    }
  }
  return rows;
}

/** The matrix B: sums of twelve draws of a linear congruential generator of 64 bits. */
function gaussRows({ frequencies, seed }, axes) {
  let state = seed;
  const entry = () => {
    let sum = 0;
    for (let draw = 0; draw < 12; draw++) {
      state = BigInt.asUintN(64, 6364136223846793005n * state + 1442695040888963407n);
      sum += Number(state >> 48n);
    }
    return (sum - 393210) / 65536;
  };
  return Array.from({ length: frequencies }, () => Array.from({ length: axes }, entry));
}
