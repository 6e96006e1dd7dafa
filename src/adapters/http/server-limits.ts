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
/** Longest blob that goes from node to node as a whole, unless something else is said. */
export const BLOB_BYTES_MAX = 256 * 1024 * 1024;
