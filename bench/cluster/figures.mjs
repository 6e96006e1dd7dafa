// What is measured of a cluster, in the order in which it is shown.
import { losses } from "./losses.mjs";
import { overhead } from "./overhead.mjs";
import { takeovers } from "./takeover.mjs";
import { tasks } from "./tasks.mjs";

/**
 * @typedef {object} Context
 * @property {import("./scales.mjs").ClusterScale} scale
 * @property {number} rounds
 * @property {import("./processes.mjs").Etcd} etcd
 * @property {string} room A directory that is gone afterwards.
 * @property {string} data Where the inputs are kept.
 * @property {(line: string) => void} say Of what goes on.
 */

/** @typedef {{ what: string, aim: string, measured: string, reached: boolean }} Aim */

/**
 * @typedef {object} Figure
 * @property {string} table
 * @property {Aim[]} aims
 * @property {unknown} figures Of every run.
 */

/**
 * @typedef {object} FigureMaker
 * @property {string} name As `--only` takes it.
 * @property {string} title
 * @property {(scale: import("./scales.mjs").ClusterScale) => string} about
 * @property {(context: Context) => Promise<Figure>} run
 */

/** @type {FigureMaker[]} */
export const figureMakers = [losses, takeovers, overhead, tasks];
