/** Sequences of a zstd block: literal lengths, match lengths and offsets (RFC 8878, 3.1.1.3.2). */
import { malformed } from "../outcome.mjs";
import { BackwardBits } from "./bits.mjs";
import { buildFseTable, readFseTable, singleSymbolTable } from "./fse.mjs";

const LITERAL_BITS = [...Array(16).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
const MATCH_BITS = [...Array(32).fill(0), 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];

/** Bases of consecutive codes with so many extra bits each. */
function bases(bits, first) {
  let base = first;
  return bits.map((count) => {
    const own = base;
    base += 2 ** count;
    return own;
  });
}

const LITERAL_BASES = bases(LITERAL_BITS, 0);
const MATCH_BASES = bases(MATCH_BITS, 3);

const KINDS = [
  {
    mostAccuracy: 9,
    mostSymbol: 35,
    predefined: buildFseTable(
      [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1],
      6,
    ),
  },
  {
    mostAccuracy: 8,
    mostSymbol: 31,
    predefined: buildFseTable(
      [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1],
      5,
    ),
  },
  {
    mostAccuracy: 9,
    mostSymbol: 52,
    predefined: buildFseTable(
      [
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
      ],
      6,
    ),
  },
];

/**
 * The sequences section of a block; tables are kept in `memory` for later blocks.
 * @param {Uint8Array} bytes of the section, which end with the block
 * @param {{tables: (import("./fse.mjs").FseTable | null)[]}} memory
 * @param {(literals: number, match: number, offsetValue: number) => void} execute
 */
export function decodeSequences(bytes, memory, execute) {
  if (bytes.length === 0) throw malformed("a zstd block without sequences");
  let [count] = bytes;
  let position = 1;
  if (count >= 128) {
    position = count === 255 ? 3 : 2;
    if (bytes.length < position) throw malformed("a zstd block ends too early");
    count = count === 255 ? bytes[1] + bytes[2] * 256 + 0x7f00 : (count - 128) * 256 + bytes[1];
  }
  if (count === 0) {
    if (position !== bytes.length) throw malformed("bytes too many in a zstd block");
    return;
  }
  position = readTables(bytes, position, memory);
  run(new BackwardBits(bytes.subarray(position)), count, memory.tables, execute);
}

function readTables(bytes, start, memory) {
  if (start >= bytes.length) throw malformed("a zstd block ends too early");
  const modes = bytes[start];
  if (modes & 3) throw malformed("reserved bits of a zstd block");
  let position = start + 1;
  KINDS.forEach((kind, index) => {
    const mode = (modes >> (6 - 2 * index)) & 3;
    if (mode === 0) memory.tables[index] = kind.predefined;
    if (mode === 1) {
      if (!(bytes[position] <= kind.mostSymbol)) throw malformed("a zstd code that does not exist");
      memory.tables[index] = singleSymbolTable(bytes[position++]);
    }
    if (mode === 2) {
      const { table, size } = readFseTable(bytes.subarray(position), kind.mostAccuracy, kind.mostSymbol);
      memory.tables[index] = table;
      position += size;
    }
    if (memory.tables[index] === null) throw malformed("a zstd block repeats a table that there is not");
  });
  return position;
}

function run(bits, count, [literals, offsets, matches], execute) {
  let literalState = bits.read(literals.accuracy);
  let offsetState = bits.read(offsets.accuracy);
  let matchState = bits.read(matches.accuracy);
  for (let left = count; left > 0; left--) {
    const offsetCode = offsets.symbols[offsetState];
    const matchCode = matches.symbols[matchState];
    const literalCode = literals.symbols[literalState];
    const offset = 2 ** offsetCode + bits.read(offsetCode);
    const match = MATCH_BASES[matchCode] + bits.read(MATCH_BITS[matchCode]);
    const literal = LITERAL_BASES[literalCode] + bits.read(LITERAL_BITS[literalCode]);
    if (bits.left < 0) throw malformed("zstd sequences end too early");
    execute(literal, match, offset);
    if (left === 1) break;
    literalState = literals.bases[literalState] + bits.read(literals.bits[literalState]);
    matchState = matches.bases[matchState] + bits.read(matches.bits[matchState]);
    offsetState = offsets.bases[offsetState] + bits.read(offsets.bits[offsetState]);
  }
  bits.expectEnd();
}
