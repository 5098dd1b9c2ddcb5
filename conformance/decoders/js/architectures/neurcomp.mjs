/** Architecture 4, `neurcomp`: layers L0 to L2. */
import { activeAxes, checkKeys, integerIn, matrixEntries } from "./config.mjs";

export const neurcomp = {
  id: 4,
  parse(field, config) {
    checkKeys(config, [0, 1, 2]);
    const axes = activeAxes(field, 1, 4);
    const width = integerIn(config.get(0), 1, 4096, "width");
    const blocks = integerIn(config.get(1), 0, 64, "blocks");
    integerIn(config.get(2), 1, 1000, "frequency");
    const tensors = [[width, axes], [width]];
    for (let layer = 0; layer < 2 * blocks; layer++) tensors.push([width, width], [width]);
    tensors.push([field.components, width], [field.components]);
    return { tensors, multiplyAdds: matrixEntries(tensors) };
  },
};
