/** What `bicoastal.config.ts` in the working directory may say. Options win over it, and so do environment variables. */
export interface BicoastalConfig {
  /** A cluster's store: `etcd://host1:2379,host2:2379`, or a directory that processes of one machine share. */
  readonly store?: string;
  /** Where jobs, blocks and what a node has live. Default `.bicoastal`. */
  readonly dataDir?: string;
  /** Of the node. Default: one kept in its data directory. */
  readonly name?: string;
  /** What the node listens on. Default `127.0.0.1`. */
  readonly host?: string;
  /** From 0, which is any that is free, to 65535. Default 0. */
  readonly port?: number;
  /** `host:port` where other nodes reach it. Default: where it listens. */
  readonly address?: string;
  /** The coast it stands on. Default `local`. */
  readonly region?: string;
  /** Who controls it. Default `default`. */
  readonly domain?: string;
  /** Tasks at a time. Default: the cores there are. */
  readonly threads?: number;
  /** Of the whole process: bytes, or text such as "2GB". Default: half of what there is. */
  readonly memory?: number | string;
  /** How long others wait for the node when it falls silent, such as "10s". */
  readonly lease?: string;
  /** The least that a node tells: `debug`, `info`, `warn` or `error`. Default `info`. */
  readonly logLevel?: "debug" | "info" | "warn" | "error";
  /** PEM files for mutual TLS between nodes, and their clients: the authority's certificates. All three or none. */
  readonly tlsCa?: string;
  /** This node's or client's certificate. */
  readonly tlsCert?: string;
  /** Its private key. */
  readonly tlsKey?: string;
  /** How long a node that is stopped waits for its tasks and for whoever reads its output, such as "25s". */
  readonly drainTimeout?: string;
}

/**
 * Gives the config as it is, checked by its type.
 *
 * @example
 * export default defineConfig({ store: "etcd://h1:2379,h2:2379,h3:2379", region: "east", port: 7400 });
 */
export const defineConfig = (config: BicoastalConfig): BicoastalConfig => config;
