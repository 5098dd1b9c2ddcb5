/** The three outcomes of a decoder for a bad file (inrc-1.md, section 1). */

/** A refusal; `outcome` is "malformed", "unsupported" or "limit". */
export class Refusal extends Error {
  /**
   * @param {"malformed" | "unsupported" | "limit"} outcome
   * @param {string} message
   */
  constructor(outcome, message) {
    super(message);
    this.name = "Refusal";
    this.outcome = outcome;
  }
}

/** @param {string} message @returns {Refusal} the bytes break a rule of the text */
export const malformed = (message) => new Refusal("malformed", message);

/** @param {string} message @returns {Refusal} the bytes need something this decoder lacks */
export const unsupported = (message) => new Refusal("unsupported", message);

/** @param {string} message @returns {Refusal} the file asks for more than is allowed */
export const limit = (message) => new Refusal("limit", message);

/**
 * A typed array of `length` zeros. What the machine does not have is over the limit.
 * @template T
 * @param {new (length: number) => T} kind
 * @param {number} length
 * @returns {T}
 */
export function allocate(kind, length) {
  try {
    return new kind(length);
  } catch (error) {
    if (error instanceof RangeError) throw limit(`no memory for ${length} numbers`);
    throw error;
  }
}
