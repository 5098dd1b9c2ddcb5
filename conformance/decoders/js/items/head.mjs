/** HEAD (inrc-1.md, section 4). */
import { malformed, unsupported } from "../outcome.mjs";
import { isIntegerIn, isUnsigned } from "../container/cbor.mjs";

const KINDS = ["volume", "image", "sdf"];

/**
 * @param {*} head the CBOR item
 * @returns {{kind: string, items: number}}
 */
export function readHead(head) {
  if (!(head instanceof Map)) throw malformed("HEAD is no map");
  for (const key of head.keys()) if (![0, 1, 2].includes(key)) throw unsupported(`key ${key} of HEAD (HEAD-3)`);
  const kind = head.get(0);
  if (!isUnsigned(kind)) throw malformed("no kind (HEAD-1)");
  if (kind >= KINDS.length) throw unsupported(`kind ${kind} (HEAD-1)`);
  if (!isIntegerIn(head.get(1), 0, 2 ** 20)) throw malformed("no item count (HEAD-2)");
  if (head.has(2)) throw features(head.get(2));
  return { kind: KINDS[kind], items: head.get(1) };
}

function features(list) {
  const names = Array.isArray(list) && list.length > 0 && list.every((name) => typeof name === "string");
  return names ? unsupported(`feature ${list[0]} (HEAD-3)`) : malformed("features that are no list of names (HEAD-3)");
}
