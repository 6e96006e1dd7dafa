/**
 * What reads bytes that come from outside, from disks that may lie or other processes, and the property test that feeds it
 * what no encoder would make. Each ends with a right answer or a typed error: never with a crash, a hang or a wrong answer.
 */
export interface Decoder {
  readonly reads: string;
  readonly file: string;
  readonly test: string;
}

const BLOCKS = "src/engine/shuffle/damaged.fuzz.test.ts";
const SEALED = "src/engine/shuffle/resealed.fuzz.test.ts";
const PEERS = "src/adapters/http/lying-peer.fuzz.test.ts";
const ETCD = "src/adapters/etcd/malformed.fuzz.test.ts";
const STORED = "src/runtime/stored-values.fuzz.test.ts";
const SETTINGS = "src/cli/input/outside.fuzz.test.ts";
const READ = "src/engine/read/read.fuzz.test.ts";

export const DECODERS: readonly Decoder[] = [
  // Inputs.
  { reads: "lines", file: "src/engine/read/open-source.ts", test: READ },
  { reads: "CSV", file: "src/engine/read/csv.ts", test: READ },
  { reads: "JSON lines", file: "src/engine/read/jsonl.ts", test: READ },
  {
    reads: "declared fields",
    file: "src/engine/read/jsonl.ts",
    test: "src/engine/read/json-fields.fuzz.test.ts",
  },
  { reads: "gzip", file: "src/adapters/fs/inputs-gzip.ts", test: "src/adapters/fs/inputs-gzip.fuzz.test.ts" },
  { reads: "objects", file: "src/adapters/s3/inputs.ts", test: "src/adapters/s3/inputs.fuzz.test.ts" },
  // Blocks.
  {
    reads: "frames",
    file: "src/engine/shuffle/block/frame.ts",
    test: "src/engine/shuffle/block/hostile.fuzz.test.ts",
  },
  { reads: "indexes and trailers", file: "src/engine/shuffle/block/block-format.ts", test: BLOCKS },
  { reads: "columns of texts", file: "src/engine/shuffle/block/text-decode.ts", test: BLOCKS },
  { reads: "columns of numbers", file: "src/engine/shuffle/block/number-column.ts", test: BLOCKS },
  { reads: "frames of sorted runs", file: "src/engine/shuffle/sort/run-frame.ts", test: SEALED },
  { reads: "marks of sorted runs", file: "src/engine/shuffle/sort/sort-marks.ts", test: SEALED },
  { reads: "values of any type", file: "src/adapters/codec/msgpack-codec.ts", test: SEALED },
  {
    reads: "claims of sizes in them",
    file: "src/adapters/codec/msgpack-check.ts",
    test: "src/adapters/codec/msgpack-check.fuzz.test.ts",
  },
  {
    reads: "who answers at an address",
    file: "src/adapters/http/who-route.ts",
    test: "src/adapters/http/who-route.fuzz.test.ts",
  },
  // What the store and nodes keep.
  { reads: "log records and plans", file: "src/protocol/codec.ts", test: "src/protocol/codec.fuzz.test.ts" },
  { reads: "cards and owners of jobs", file: "src/runtime/job-log.ts", test: STORED },
  { reads: "open jobs", file: "src/runtime/cluster/open-job.ts", test: STORED },
  { reads: "cards of nodes", file: "src/runtime/cluster/node-card.ts", test: STORED },
  {
    reads: "kept results",
    file: "src/runtime/cluster/kept-results.ts",
    test: "src/runtime/cluster/kept-results.fuzz.test.ts",
  },
  {
    reads: "the embedded store",
    file: "src/adapters/lmdb/records.ts",
    test: "src/adapters/lmdb/records.fuzz.test.ts",
  },
  {
    reads: "lines of jobs' logs",
    file: "src/adapters/fs/job-logs.ts",
    test: "src/adapters/fs/log-entries.fuzz.test.ts",
  },
  {
    reads: "notes of bundles",
    file: "src/adapters/bundle/bundle-cache.ts",
    test: "src/adapters/bundle/remembered.fuzz.test.ts",
  },
  {
    reads: "maps in bundles",
    file: "src/adapters/bundle/source-map.ts",
    test: "src/adapters/bundle/remembered.fuzz.test.ts",
  },
  {
    reads: "manifests",
    file: "src/adapters/s3/manifest.ts",
    test: "src/adapters/s3/stored-texts.fuzz.test.ts",
  },
  {
    reads: "receipts of outputs",
    file: "src/adapters/s3/output-names.ts",
    test: "src/adapters/s3/stored-texts.fuzz.test.ts",
  },
  // Networks.
  { reads: "messages", file: "src/protocol/wire-codec.ts", test: "src/protocol/wire-codec.fuzz.test.ts" },
  {
    reads: "requests",
    file: "src/adapters/http/node-server.ts",
    test: "src/adapters/http/node-server.fuzz.test.ts",
  },
  {
    reads: "requests to routes",
    file: "src/adapters/http/blob-route.ts",
    test: "src/adapters/http/routes.fuzz.test.ts",
  },
  {
    reads: "ranges",
    file: "src/adapters/http/byte-ranges.ts",
    test: "src/adapters/http/byte-ranges.fuzz.test.ts",
  },
  {
    reads: "lists of ranges",
    file: "src/adapters/http/range-list.ts",
    test: "src/adapters/http/range-batches.fuzz.test.ts",
  },
  { reads: "blobs of peers", file: "src/adapters/http/ask-peer.ts", test: PEERS },
  { reads: "heads of peers' answers", file: "src/adapters/http/blob-connection.ts", test: PEERS },
  { reads: "logs of peers", file: "src/adapters/http/log-route.ts", test: PEERS },
  { reads: "messages of peers", file: "src/adapters/http/peer-links.ts", test: PEERS },
  { reads: "answers of etcd", file: "src/adapters/etcd/rpc.ts", test: ETCD },
  { reads: "transactions of etcd", file: "src/adapters/etcd/txn.ts", test: ETCD },
  { reads: "ranges of etcd", file: "src/adapters/etcd/ranges.ts", test: ETCD },
  { reads: "watches of etcd", file: "src/adapters/etcd/watch.ts", test: ETCD },
  // What people write.
  {
    reads: "addresses of etcd",
    file: "src/adapters/etcd/url.ts",
    test: "src/adapters/etcd/url.fuzz.test.ts",
  },
  {
    reads: "addresses of buckets",
    file: "src/adapters/s3/url.ts",
    test: "src/adapters/s3/stored-texts.fuzz.test.ts",
  },
  { reads: "quantities", file: "src/base/quantity.ts", test: SETTINGS },
  { reads: "settings", file: "src/cli/input/config-file.ts", test: SETTINGS },
  { reads: "params", file: "src/cli/input/params-file.ts", test: SETTINGS },
  { reads: "command lines", file: "src/cli/input/tokens.ts", test: "src/cli/input/tokens.fuzz.test.ts" },
];

/** Named like decoders, and no bytes come to them: values that a program or a params file, read before, gives. */
export const OF_VALUES: readonly string[] = ["src/api/params-schema.ts", "src/api/params-defaults.ts"];
