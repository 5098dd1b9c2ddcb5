/** Architecture 7, `siren`: one network of sines on encoded coordinates. */
import { malformed, unsupported } from "../outcome.mjs";
import { isUnsigned } from "../container/cbor.mjs";
import { activeAxes, checkKeys, denseLayers, integerIn, matrixEntries } from "./config.mjs";
import { evaluateNetwork } from "./network.mjs";
import { encodingLength, makeEncoder } from "./siren_encoding.mjs";

export const siren = {
  id: 7,
  parse(field, config) {
    checkKeys(config, [0, 1, 2], [3, 4]);
    const axes = activeAxes(field, 1, 4);
    const width = integerIn(config.get(0), 1, 4096, "width");
    const layers = integerIn(config.get(1), 0, 64, "layers");
    const encoding = readEncoding(config.get(2));
    const omega = config.has(3) ? integerIn(config.get(3), 1, 1024, "omega") : 30;
    const prior = config.has(4) ? readPriorName(config.get(4)) : null;
    const inputs = encodingLength(encoding, axes);
    const tensors = denseLayers([inputs, ...Array(layers + 1).fill(width), field.components], true);
    const extra = encoding.kind === "gauss" ? encoding.frequencies * axes : 0;
    return { tensors, multiplyAdds: matrixEntries(tensors) + extra, encoding, omega, prior };
  },
  evaluate(model, parameters, field) {
    const { active } = field;
    const encode = makeEncoder(model.encoding, active.length);
    const place = new Float64Array(active.length);
    const encodeIndices = (indices, target, start, pace) => {
      for (let axis = 0; axis < place.length; axis++) place[axis] = (2 * indices[axis]) / (active[axis] - 1) - 1;
      encode(place, target, start, pace);
    };
    return evaluateNetwork(encodeIndices, (x) => Math.sin(model.omega * x), parameters, active);
  },
};

function readPriorName(value) {
  if (!(value instanceof Uint8Array) || value.length !== 16) throw malformed("the name of a prior is not 16 bytes");
  return value;
}

const KINDS = ["mlp", "nerf", "positional", "gauss"];
const LENGTHS = [1, 3, 3, 4];

function readEncoding(value) {
  if (!Array.isArray(value) || value.length === 0 || !isUnsigned(value[0])) throw malformed("no encoding");
  const [number] = value;
  if (number >= KINDS.length) throw unsupported(`encoding ${number} (SIREN-1)`);
  if (value.length !== LENGTHS[number]) throw malformed("an encoding of another length (SIREN-1)");
  const kind = KINDS[number];
  if (kind === "mlp") return { kind };
  const frequencies = integerIn(value[1], 1, 1024, "L");
  const thousandths = integerIn(value[2], 1, 2 ** 26, "s");
  if (kind === "nerf" && !frequencyFits(thousandths, frequencies - 1)) throw malformed("a frequency that is too high (SIREN-2)");
  if (kind === "gauss") integerIn(value[3], 0, 2n ** 64n - 1n, "seed");
  return { kind, frequencies, thousandths, seed: kind === "gauss" ? BigInt(value[3]) : 0n };
}

/** s^n <= 2^24 * 1000^n, in exact integers. */
function frequencyFits(thousandths, power) {
  return BigInt(thousandths) ** BigInt(power) <= 2n ** 24n * 1000n ** BigInt(power);
}
