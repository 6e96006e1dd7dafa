import type { JobId } from "../base/ids.ts";

/** Digits of a sequence number in a key: keys then sort as numbers do. */
const SEQ_DIGITS = 12;

/** Where a job lives in the store. */
export const jobKeys = (job: JobId) => ({
  /**
   * The epoch in force, as decimal text, and after a space what no other take-over has written there. Every transaction of
   * a driver compares the whole.
   */
  epoch: `jobs/${job}/epoch`,
  /** Who drives, while its lease lasts. A hint for others; never what a driver relies on. */
  driver: `jobs/${job}/driver`,
  logPrefix: `jobs/${job}/log/`,
  log: (seq: number): string => `jobs/${job}/log/${String(seq).padStart(SEQ_DIGITS, "0")}`,
  prefix: `jobs/${job}/`,
  /** What a list of jobs shows, without reading logs. */
  card: `cards/${job}`,
  /** In a cluster: there while some node should drive the job. */
  open: `${OPEN_PREFIX}${job}`,
  /** In a cluster: somebody wants the job to stop; the value says why. */
  cancel: `cancel/${job}`,
  /** In a cluster: how far the job is, for whoever watches; never needed. */
  progress: `${PROGRESS_PREFIX}${job}`,
});

export const OPEN_PREFIX = "open/";

export const PROGRESS_PREFIX = "progress/";

export const CARD_PREFIX = "cards/";

/** Where a job's blobs live. */
export const blobKeys = (job: JobId) => ({
  prefix: `jobs/${job}/`,
  spec: `jobs/${job}/spec.json`,
  blocks: `jobs/${job}/blocks/`,
});
