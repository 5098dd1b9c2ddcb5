/** Architecture 5, `amgsrn`: layers L0 to L2. */
import { activeAxes, checkKeys, denseLayers, integerIn, integersIn, matrixEntries } from "./config.mjs";

const NUMBERS_OF_A_TRANSFORM = [0, 2, 5, 10];

export const amgsrn = {
  id: 5,
  parse(field, config) {
    checkKeys(config, [0, 1, 2, 3, 4, 5]);
    const axes = activeAxes(field, 1, 3);
    const grids = integerIn(config.get(0), 1, 1024, "grids");
    const features = integerIn(config.get(1), 1, 64, "features");
    const nodes = integersIn(config.get(2), axes, 2, 65536, "nodes");
    const width = integerIn(config.get(3), 1, 4096, "width");
    const layers = integerIn(config.get(4), 1, 64, "layers");
    const bias = integerIn(config.get(5), 0, 1, "bias");
    const network = denseLayers([grids * features, ...Array(layers).fill(width), field.components], bias === 1);
    return {
      tensors: [[NUMBERS_OF_A_TRANSFORM[axes], grids], [features, grids, ...nodes], ...network],
      multiplyAdds: grids * (2 ** axes * features + axes ** 2) + matrixEntries(network),
    };
  },
};
