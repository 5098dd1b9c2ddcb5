/** Architecture 1, `fvsrn`: layers L0 to L2. */
import { malformed, unsupported } from "../outcome.mjs";
import { activeAxes, checkKeys, denseLayers, integerIn, integersIn, matrixEntries, product } from "./config.mjs";

const WAVELETS = [1, 2];

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
    const rows = config.has(7) ? readRows(config.get(7)) : 0;
    if (config.has(7) && (octaves !== 0 || axes - (time ? 1 : 0) < 1)) throw malformed("rows beside octaves or time alone (FVSRN-3)");
    if (config.has(8)) integerIn(config.get(8), 1, 65536, "frequency");
    const space = time === null ? axes : axes - 1;
    const raw = space * (1 + 2 * octaves) + (time === null ? 0 : time.raw + 2 * time.octaves);
    const inputs = raw + 2 * rows + features;
    const network = denseLayers([inputs, ...Array(layers).fill(width), field.components], true);
    const grids = config.has(5) ? waveletTensors(config.get(5), grid, features) : [[features, ...grid]];
    const multiplyAdds = 2 ** axes * features + matrixEntries(network) + space * rows;
    return { tensors: [...grids, ...network], multiplyAdds };
  },
};

function readTime(value, axes) {
  const [, raw, octaves] = integersIn(value, 3, 0, 16, "time");
  if (value[0] >= axes || raw > 1) throw malformed("time beyond its ranges");
  return { raw, octaves };
}

function readRows(value) {
  if (!Array.isArray(value) || value.length !== 3) throw malformed("rows is not an array of 3");
  integerIn(value[1], 1, 2 ** 20, "scale of rows");
  integerIn(value[2], 0, 2 ** 32 - 1, "seed of rows");
  return integerIn(value[0], 1, 4096, "rows");
}

function waveletTensors(value, grid, features) {
  if (!Array.isArray(value) || value.length !== 2) throw malformed("wavelet is not an array of 2");
  const wavelet = integerIn(value[0], 1, 255, "wavelet");
  const levels = integerIn(value[1], 1, 16, "levels of the wavelet");
  if (2 ** (levels - 1) >= Math.max(...grid)) throw malformed("too many levels of the wavelet (FVSRN-2)");
  if (!WAVELETS.includes(wavelet)) throw unsupported(`wavelet ${wavelet} (FVSRN-2)`);
  const counts = [product(grid)];
  let box = grid;
  for (let level = 1; level <= levels; level++) {
    box = box.map((length) => Math.ceil(length / 2));
    counts.push(product(box));
  }
  const details = counts.slice(1).map((count, index) => [features, counts[index] - count]);
  return [[features, counts[levels]], ...details.reverse()];
}
