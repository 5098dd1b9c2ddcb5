/** The architectures by number. Those without `evaluate` are checked up to their parameters (layer L2). */
import { unsupported } from "../outcome.mjs";
import { amgsrn } from "./amgsrn.mjs";
import { constant } from "./constant.mjs";
import { fvsrn } from "./fvsrn.mjs";
import { hashgrid } from "./hashgrid.mjs";
import { miner } from "./miner.mjs";
import { neurcomp } from "./neurcomp.mjs";
import { pyramid } from "./pyramid.mjs";
import { shell } from "./shell.mjs";
import { siren } from "./siren.mjs";

const BY_ID = new Map(
  [constant, fvsrn, pyramid, shell, neurcomp, amgsrn, miner, siren, hashgrid].map((architecture) => [architecture.id, architecture]),
);

/**
 * @param {number | bigint} id
 * @param {number | bigint} version
 */
export function architectureOf(id, version) {
  if (!BY_ID.has(id)) throw unsupported(`architecture ${id} (ITEM-5)`);
  if (version !== 1) throw unsupported(`version ${version} of architecture ${id} (ITEM-5)`);
  return BY_ID.get(id);
}
