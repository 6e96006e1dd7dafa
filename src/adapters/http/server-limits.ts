/** What one client can take of a server. All of them are there for the clients that mean ill, or hang. */
export interface ServerLimits {
  /** Longest time until a request's headers are there, and between two requests of a connection. */
  readonly headersMs: number;
  /** Longest time for a whole request. */
  readonly requestMs: number;
  /** Longest pause between two pieces of a body that comes. */
  readonly bodyPauseMs: number;
  /** Longest time in which nothing at all goes over a connection; longer than any request waits for its answer. */
  readonly silenceMs: number;
  readonly connectionsMax: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headersMs: 10_000,
  requestMs: 300_000,
  bodyPauseMs: 10_000,
  silenceMs: 60_000,
  connectionsMax: 4096,
};

/** How often connections are checked against these. */
export const CHECK_INTERVAL_MS = 500;
/** All headers together. */
export const HEADER_BYTES_MAX = 16 * 1024;
/** How long a connection may lie idle between two requests. */
export const KEEP_ALIVE_MS = 30_000;
/** After this many, a connection is closed and made anew, so that load spreads. */
export const REQUESTS_PER_CONNECTION_MAX = 100_000;
/**
 * Up to so much is read at once, and the file opened in the same turn: most blocks are small and were written a moment ago,
 * so that the system has them in memory, and a turn of Node's thread pool would cost many times as much as the reading.
 */
export const AT_ONCE_BYTES = 64 * 1024;
/** Ranges of that length at the most that one request may ask for, */
export const RANGES_MAX = 8;
/** and how long the header may be that names them. */
export const RANGES_TEXT_MAX = 4096;
/** Longest blob that goes from node to node as a whole, unless something else is said. */
export const BLOB_BYTES_MAX = 256 * 1024 * 1024;
