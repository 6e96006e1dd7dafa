/** Everything users import, and nothing else. */
export { type BicoastalConfig, defineConfig } from "./api/config.ts";
export type { CsvNamedRow, CsvRow, CsvValue } from "./api/csv-row.ts";
export type { Dataset, Key, RecordOf } from "./api/dataset.ts";
export type { End } from "./api/end.ts";
export { BicoastalError, type ErrorCode, type ErrorDetails, type ErrorInfo } from "./api/errors.ts";
export {
  type DefaultsDefinition,
  type Job,
  job,
  type Output,
  type ResultOf,
  type RunOutput,
  type SchemaDefinition,
  type Widened,
} from "./api/job.ts";
export type { AggregateFunctions, AggregateOptions, WideOptions } from "./api/operators/aggregate.ts";
export type { CollectOptions } from "./api/operators/collect.ts";
export type { JoinByOptions, Joined, JoinOptions } from "./api/operators/join.ts";
export type { MapReduceFunctions } from "./api/operators/map-reduce.ts";
export type { SampleOptions } from "./api/operators/narrow.ts";
export type { CollationOptions, SortOptions } from "./api/operators/order.ts";
export type { TextRecord, WriteCsvOptions, WriteOptions, WriteResult } from "./api/operators/write.ts";
export type { FlagTexts, ParamFlag, ParamsDescription, ParamType } from "./api/param-flag.ts";
export type { PlainParams } from "./api/params-parser.ts";
export type { PlainObject, PlainValue } from "./api/plain-value.ts";
export { type FileRecord, read } from "./api/read.ts";
export type { CsvReadOptions } from "./api/read-csv.ts";
export type { FieldsRow, FieldValue } from "./api/read-fields.ts";
export type { FileOptions, Paths } from "./api/read-options.ts";
export { connect, type RunAndSessionOptions, run } from "./api/run.ts";
export type {
  CancelOptions,
  EndOutcome,
  JobDetails,
  JobOutcome,
  JobState,
  JobSummary,
  LogsOptions,
  ParamsThen,
  RunOptions,
  Session,
  SessionOptions,
  SubmitOptions,
} from "./api/session.ts";
export type { JobId, StageId } from "./base/ids.ts";
export type { TaskContext } from "./plan/context.ts";
export type { CsvFieldType, FieldKind, FieldType, FieldTypes, JoinType, WriteFormat } from "./plan/node.ts";
export type { LogEntry, LogLevel } from "./plan/task-logs.ts";
export type { Progress, RunEvent } from "./runtime/events.ts";
export type { LogItem } from "./runtime/log/read-logs.ts";
