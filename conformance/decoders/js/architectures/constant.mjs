/** Architecture 0, `constant`: y = 0 everywhere. */
import { checkKeys } from "./config.mjs";

export const constant = {
  id: 0,
  parse(field, config) {
    checkKeys(config, []);
    return { tensors: [], multiplyAdds: 0 };
  },
  evaluate: (model, parameters, field, samples) => new Float64Array(field.components * samples),
};
