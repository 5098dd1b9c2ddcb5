/** Architecture 8, `hashgrid`: layers L0 to L2. */
import { malformed } from "../outcome.mjs";
import { activeAxes, checkKeys, denseLayers, float32, integerIn, matrixEntries } from "./config.mjs";

export const hashgrid = {
  id: 8,
  parse(field, config) {
    checkKeys(config, [0, 1, 2, 3, 4, 5, 6]);
    const axes = activeAxes(field, 1, 4);
    const levels = integerIn(config.get(0), 1, 32, "levels");
    const features = integerIn(config.get(1), 1, 16, "features");
    const table = integerIn(config.get(2), 3, 24, "table");
    const base = integerIn(config.get(3), 2, 65536, "base");
    const growth = float32(config.get(4), "growth");
    if (growth < 1 || growth > 4) throw malformed("growth is not from 1 to 4");
    const width = integerIn(config.get(5), 1, 1024, "width");
    const layers = integerIn(config.get(6), 1, 16, "layers");
    const tables = [];
    let nodes = base;
    for (let level = 0; level < levels; level++) {
      if (level > 0) nodes *= growth;
      if (nodes > 2 ** 24) throw malformed("a level of more than 2^24 nodes (HASHGRID-2)");
      const resolution = Math.ceil(nodes - 1) + 1;
      tables.push([features, Math.min(8 * Math.ceil(resolution ** axes / 8), 2 ** table)]);
    }
    const network = denseLayers([levels * features, ...Array(layers).fill(width), field.components], false);
    return { tensors: [...tables, ...network], multiplyAdds: 2 ** axes * levels * features + matrixEntries(network) };
  },
};
