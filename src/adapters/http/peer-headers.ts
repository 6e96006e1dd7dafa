/** Headers by which nodes know who speaks to whom. */
export const NODE_HEADER = "bicoastal-node";
export const INCARNATION_HEADER = "bicoastal-incarnation";
/** The node that is meant, whoever answers at its address now. */
export const TO_HEADER = "bicoastal-to";
/** Short ranges of several blobs: which are asked for, and which were given. See `range-list.ts`. */
export const RANGES_HEADER = "bicoastal-ranges";
