/** Architecture 2, `pyramid`: coefficients of a transform chosen per axis. */
import { malformed } from "../outcome.mjs";
import { Lattice } from "../entropy/lattice.mjs";
import { checkKeys, float32, integersIn } from "./config.mjs";
import { readBasis } from "./pyramid_bases.mjs";
import { COSINE, LEARNED, mostHalvings } from "./pyramid_codes.mjs";
import { readRestoration, restore } from "./pyramid_restoration.mjs";
import { evaluatePyramid } from "./pyramid_transform.mjs";

const LONGEST_BASIS = 4096;

export const pyramid = {
  id: 2,
  parse(field, config) {
    checkKeys(config, [0, 1], [2, 3, 4, 5, 6]);
    const { components, active } = field;
    if (active.length > 4) throw malformed(`${active.length} active axes besides the components (PYR-1)`);
    const lengths = components > 1 ? [components, ...active] : active;
    const codes = integersIn(config.get(0), lengths.length, COSINE, 64, "axes");
    checkCodes(codes, lengths, components > 1);
    const step = float32(config.get(1), "step");
    if (step <= 0) throw malformed("a step that is not above 0");
    const bases = readBases(config, codes, lengths);
    const restoration = readRestoration(config.get(5), config.has(5), field);
    readPrecise(config);
    const { order, lattice } = latticeOf(codes, lengths);
    const bound = codes.reduce((sum, code, axis) => sum + (code === LEARNED || code === COSINE ? lengths[axis] : 0), 0);
    const multiplyAdds = components * (16 * lengths.length + bound) + restoration.reduce((sum, { cost }) => sum + cost, 0);
    const offset = config.has(2) ? float32(config.get(2), "offset") : 0;
    const shifts = readShifts(config);
    return { tensors: [[lattice.count]], multiplyAdds, lattice, lengths, codes, order, step, offset, shifts, bases, restoration };
  },
  evaluate(model, parameters, field) {
    const samples = evaluatePyramid(model, parameters[0].values);
    return model.restoration.length > 0 ? restore(model.restoration, model.step, samples, field) : samples;
  },
};

function checkCodes(codes, lengths, hasComponentAxis) {
  codes.forEach((code, axis) => {
    if (code > mostHalvings(lengths[axis])) throw malformed(`code ${code} of an axis of ${lengths[axis]} (PYR-2)`);
    const bound = code === LEARNED || code === COSINE;
    if (bound && lengths[axis] > LONGEST_BASIS) throw malformed(`a basis of ${lengths[axis]} samples (PYR-2)`);
  });
  if (hasComponentAxis && codes[0] > 0) throw malformed("a wavelet along the components (PYR-2)");
  if (codes.length === 5 && codes.filter((code) => code <= 0).length < 2) throw malformed("five axes with wavelets (PYR-2)");
}

function readBases(config, codes, lengths) {
  const axes = [...codes.keys()].filter((axis) => codes[axis] === LEARNED);
  const list = config.get(4);
  if (config.has(4) !== axes.length > 0) throw malformed("bases without an axis for them, or an axis without (PYR-2)");
  if (axes.length === 0) return new Map();
  if (!Array.isArray(list) || list.length !== axes.length) throw malformed("another number of bases than axes (PYR-2)");
  return new Map(axes.map((axis, index) => [axis, readBasis(list[index], lengths[axis])]));
}

function readShifts(config) {
  if (!config.has(3)) return [0, 0, 0];
  const shifts = integersIn(config.get(3), 3, -128, 128, "shifts");
  if (shifts.every((shift) => shift === 0)) throw malformed("shifts that are all 0");
  return shifts;
}

function readPrecise(config) {
  if (!config.has(6)) return;
  if (config.get(6) !== true || config.has(5)) throw malformed("key 6 is not true, or beside key 5 (PYR-6)");
}

/** The coded order of the active axes, and their lattice. */
function latticeOf(codes, lengths) {
  const axes = [...codes.keys()];
  const order = [...axes.filter((axis) => codes[axis] <= 0), ...axes.filter((axis) => codes[axis] > 0)];
  const sizes = order.map((axis) => lengths[axis]);
  const levels = order.map((axis) => Math.max(codes[axis], 0));
  if (sizes.length === 5) {
    sizes.splice(0, 2, sizes[0] * sizes[1]);
    levels.shift();
  }
  while (sizes.length < 4) {
    sizes.unshift(1);
    levels.unshift(0);
  }
  return { order, lattice: new Lattice(sizes, levels) };
}
