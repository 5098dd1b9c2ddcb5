/** Tables of the static coder: hazards in the head, and what they become (inrc-1.md, section 7.6). */
import { malformed } from "../outcome.mjs";
import { unzigzag } from "../container/bytes.mjs";
import { STATIC_CHANCES } from "./registry.mjs";

export const MAGNITUDE_CLASSES = 31;
export const SIGN_CLASSES = 8;
export const FLAG_CLASSES = 24;
const TOTAL = 4096;
const MOST_SYMBOLS = 59;
const MOST_ZEROS = 32;
const MOST_HAZARD = 63;
const FIRST_HAZARD = 32;

/** seg(order) of the text. @param {import("../container/bytes.mjs").BitReader} bits @param {number} order */
function signedGolomb(bits, order) {
  let zeros = 0;
  while (bits.bits(1) === 0) if (++zeros > MOST_ZEROS) throw malformed("a Golomb code of too many zeros (STA-1)");
  const quotient = 2 ** zeros + bits.bits(zeros) - 1;
  return unzigzag(quotient * 2 ** order + bits.bits(order));
}

function readHazard(bits, prediction, order) {
  const hazard = prediction + signedGolomb(bits, order);
  if (hazard < 0 || hazard > MOST_HAZARD) throw malformed(`a hazard of ${hazard} (STA-1)`);
  return hazard;
}

/** Adds the hazards of one table to `predictions`, which holds the nearest h_i of the classes before. */
function readHazards(bits, count, predictions) {
  for (let index = 0; index < count; index++) {
    const prediction = predictions[index] ?? (index === 0 ? FIRST_HAZARD : predictions[index - 1]);
    predictions[index] = readHazard(bits, prediction, 1);
  }
}

/**
 * @param {number[]} hazards
 * @returns {number[]} frequencies of one symbol more, of sum 4096
 */
export function frequenciesOf(hazards) {
  let remaining = TOTAL;
  const frequencies = hazards.map((hazard, index) => {
    const share = (remaining * STATIC_CHANCES[hazard] + TOTAL / 2) >> 12;
    const frequency = Math.min(Math.max(share, 1), remaining - (hazards.length - index));
    remaining -= frequency;
    return frequency;
  });
  return [...frequencies, remaining];
}

/** Fills 4096 slots: `u - c_s` in bits 0 to 11, `f_s` in bits 12 to 24, s above. */
function fillSlots(slots, frequencies) {
  let place = 0;
  frequencies.forEach((frequency, symbol) => {
    const slot = (symbol << 25) | (frequency << 12);
    for (let position = 0; position < frequency; position++) slots[place++] = slot | position;
  });
}

/** Tables of one stream. */
export class StaticTables {
  /** @param {import("../container/bytes.mjs").BitReader} bits at the tables of a head */
  constructor(bits) {
    this.slots = new Uint32Array(MAGNITUDE_CLASSES * TOTAL);
    /** Where the slots of a magnitude class begin; classes of the same table share them. */
    this.starts = new Int32Array(MAGNITUDE_CLASSES);
    this.#readMagnitudes(bits);
    /** Frequency of symbol 0, by class. */
    this.signs = this.#readPairs(bits, SIGN_CLASSES);
    this.flags = this.#readPairs(bits, FLAG_CLASSES);
  }

  #readMagnitudes(bits) {
    const predictions = [];
    let symbols = 1;
    fillSlots(this.slots, [TOTAL]);
    for (let number = 0; number < MAGNITUDE_CLASSES; number++) {
      if (bits.bits(1) === 1) {
        this.starts[number] = number === 0 ? 0 : this.starts[number - 1];
        continue;
      }
      symbols += signedGolomb(bits, 1);
      if (symbols < 1 || symbols > MOST_SYMBOLS) throw malformed(`a table of ${symbols} symbols (STA-1)`);
      readHazards(bits, symbols - 1, predictions);
      this.starts[number] = number * TOTAL;
      const slots = this.slots.subarray(number * TOTAL, (number + 1) * TOTAL);
      fillSlots(slots, frequenciesOf(predictions.slice(0, symbols - 1)));
    }
  }

  #readPairs(bits, count) {
    let hazard = FIRST_HAZARD;
    return Int32Array.from({ length: count }, () => {
      hazard = readHazard(bits, hazard, 0);
      return frequenciesOf([hazard])[0];
    });
  }
}
