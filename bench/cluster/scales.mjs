// How large the runs of each scale are. `full` is what the aims are stated for; `quick` takes some minutes, and keeps the
// proportions that matter: a run much longer than a lease, and leases much longer than a task.

/**
 * @typedef {object} ClusterScale
 * @property {number} rounds Times each pair of runs that are compared is made.
 * @property {number} leaseMs
 * @property {number} nodes One of which is lost for good.
 * @property {number} waitingTasks Of the first stage; the second has 16.
 * @property {number} waitMs Of each.
 * @property {number} lossesMb Of text to count, which is to take as long as the waiting does.
 * @property {number} takeovers
 * @property {number} overheadMb Of text to count, for the cluster's overhead.
 * @property {number} overheadPasses Times the text is read.
 * @property {number} sortMb Of records to sort, for the same.
 * @property {number} emptyTasks
 */

/** @type {Record<string, ClusterScale>} */
export const scales = {
  tiny: {
    rounds: 1,
    leaseMs: 1000,
    nodes: 3,
    waitingTasks: 24,
    waitMs: 150,
    lossesMb: 60,
    takeovers: 1,
    overheadMb: 0.5,
    overheadPasses: 1,
    sortMb: 0.5,
    emptyTasks: 1000,
  },
  quick: {
    rounds: 3,
    leaseMs: 3000,
    nodes: 8,
    waitingTasks: 240,
    waitMs: 400,
    lossesMb: 1180,
    takeovers: 7,
    overheadMb: 1180,
    overheadPasses: 1,
    sortMb: 300,
    emptyTasks: 20_000,
  },
  full: {
    rounds: 5,
    leaseMs: 10_000,
    nodes: 8,
    waitingTasks: 800,
    waitMs: 500,
    lossesMb: 1180,
    takeovers: 15,
    overheadMb: 1180,
    overheadPasses: 4,
    sortMb: 2000,
    emptyTasks: 100_000,
  },
};
