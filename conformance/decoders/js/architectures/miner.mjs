/** Architecture 6, `miner`: layers L0 to L2. */
import { malformed } from "../outcome.mjs";
import { activeAxes, checkKeys, integerIn, integersIn, product } from "./config.mjs";

export const miner = {
  id: 6,
  parse(field, config) {
    checkKeys(config, [0, 1, 2, 3], [4]);
    const axes = activeAxes(field, 1, 4);
    const block = integerIn(config.get(0), 2, 1024, "block");
    const list = config.get(1);
    if (!Array.isArray(list) || list.length < 1 || list.length > 32) throw malformed("widths is not an array of 1 to 32");
    const widths = integersIn(list, list.length, 1, 1024, "widths");
    const layers = integerIn(config.get(2), 1, 16, "layers");
    const octaves = integerIn(config.get(3), 0, 16, "octaves");
    if (config.has(4)) integerIn(config.get(4), 1, 65535, "omega");
    const inputs = octaves === 0 ? axes : 2 * axes * octaves;
    const tensors = [];
    let multiplyAdds = 0;
    for (let level = widths.length - 1; level >= 0; level--) {
      const sizes = field.active.map((n) => Math.ceil(n / 2 ** level));
      const blocks = sizes.map((n) => Math.ceil(n / block));
      const units = [inputs, ...Array(layers).fill(widths[level]), field.components];
      for (let k = 0; k <= layers; k++) tensors.push([units[k + 1] * (units[k] + 1), ...blocks]);
      const weights = units.slice(1).reduce((sum, unit, k) => sum + unit * units[k], 0);
      multiplyAdds += Math.ceil((product(sizes) * weights) / product(field.active));
    }
    return { tensors, multiplyAdds };
  },
};
