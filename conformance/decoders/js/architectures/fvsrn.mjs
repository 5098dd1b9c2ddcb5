/** Architecture 1, `fvsrn`: a latent grid, multilinearly interpolated, and a small network on top of it. */
import { malformed, unsupported } from "../outcome.mjs";
import { activeAxes, checkKeys, denseLayers, integerIn, integersIn, matrixEntries, product } from "./config.mjs";
import { makeFvsrnEncoder } from "./fvsrn_encoding.mjs";
import { composeGrid } from "./fvsrn_grid.mjs";
import { evaluateNetwork } from "./network.mjs";

const WAVELETS = [1, 2];
const FREQUENCY_UNIT = 256;

export const fvsrn = {
  id: 1,
  parse(field, config) {
    checkKeys(config, [0, 1, 2, 3, 4], [5, 6, 7, 8]);
    const axes = activeAxes(field, 1, 4);
    const grid = integersIn(config.get(0), axes, 2, 65536, "grid");
    const features = integerIn(config.get(1), 1, 1024, "features");
    const width = integerIn(config.get(2), 1, 4096, "width");
    const layers = integerIn(config.get(3), 1, 64, "layers");
    const octaves = integerIn(config.get(4), 0, 16, "octaves");
    const time = config.has(6) ? readTime(config.get(6), axes) : null;
    const rows = config.has(7) ? readRows(config.get(7)) : null;
    if (rows !== null && (octaves !== 0 || axes - (time ? 1 : 0) < 1)) throw malformed("rows beside octaves or time alone (FVSRN-3)");
    const frequency = config.has(8) ? integerIn(config.get(8), 1, 65536, "frequency") / FREQUENCY_UNIT : 1;
    const inputs = grid.map((_, axis) => (axis === time?.axis ? time : { raw: 1, octaves }));
    const space = time === null ? axes : axes - 1;
    const raw = inputs.reduce((sum, input) => sum + input.raw + 2 * input.octaves, 0);
    const count = rows?.count ?? 0;
    const network = denseLayers([raw + 2 * count + features, ...Array(layers).fill(width), field.components], true);
    const wavelet = config.has(5) ? readWavelet(config.get(5), grid) : null;
    const grids = wavelet === null ? [[features, ...grid]] : waveletTensors(wavelet, grid, features);
    const multiplyAdds = 2 ** axes * features + matrixEntries(network) + space * count;
    const parts = { grid, features, inputs, timeAxis: time?.axis ?? -1, rows, wavelet, frequency };
    return { tensors: [...grids, ...network], multiplyAdds, ...parts };
  },
  evaluate(model, parameters, { active }) {
    const grids = model.wavelet === null ? 1 : model.wavelet.levels + 1;
    const values = model.wavelet === null ? parameters[0].values : composeGrid(model, parameters.slice(0, grids));
    const twice = 2 * model.frequency;
    const activate = (x) => (x + 1 - Math.cos(twice * x)) / twice;
    return evaluateNetwork(makeFvsrnEncoder(model, values, active), activate, parameters.slice(grids), active);
  },
};

function readTime(value, axes) {
  const [axis, raw, octaves] = integersIn(value, 3, 0, 16, "time");
  if (axis >= axes || raw > 1) throw malformed("time beyond its ranges");
  return { axis, raw, octaves };
}

function readRows(value) {
  if (!Array.isArray(value) || value.length !== 3) throw malformed("rows is not an array of 3");
  return {
    count: integerIn(value[0], 1, 4096, "rows"),
    scale: integerIn(value[1], 1, 2 ** 20, "scale of rows"),
    seed: integerIn(value[2], 0, 2 ** 32 - 1, "seed of rows"),
  };
}

function readWavelet(value, grid) {
  if (!Array.isArray(value) || value.length !== 2) throw malformed("wavelet is not an array of 2");
  const number = integerIn(value[0], 1, 255, "wavelet");
  const levels = integerIn(value[1], 1, 16, "levels of the wavelet");
  if (2 ** (levels - 1) >= Math.max(...grid)) throw malformed("too many levels of the wavelet (FVSRN-2)");
  if (!WAVELETS.includes(number)) throw unsupported(`wavelet ${number} (FVSRN-2)`);
  return { number, levels };
}

function waveletTensors({ levels }, grid, features) {
  const counts = [product(grid)];
  let box = grid;
  for (let level = 1; level <= levels; level++) {
    box = box.map((length) => Math.ceil(length / 2));
    counts.push(product(box));
  }
  const details = counts.slice(1).map((count, index) => [features, counts[index] - count]);
  return [[features, counts[levels]], ...details.reverse()];
}
