/** The architectures by number. Those without `evaluate` are checked up to their parameters (layer L2). */
import { malformed, unsupported } from "../outcome.mjs";
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

/**
 * @param {object} architecture
 * @param {import("./config.mjs").Field} field
 * @param {Map} config
 * @returns {import("./config.mjs").Model}
 */
export function parseModel(architecture, field, config) {
  if (!(config instanceof Map)) throw malformed("a config that is no map (ITEM-5)");
  return architecture.parse(field, config);
}
