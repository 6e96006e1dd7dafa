import { StandardSchemaV1 } from "@standard-schema/spec";
interface BicoastalConfig {
    readonly store?: string;
    readonly dataDir?: string;
    readonly name?: string;
    readonly host?: string;
    readonly port?: number;
    readonly address?: string;
    readonly region?: string;
    readonly domain?: string;
    readonly threads?: number;
    readonly memory?: number | string;
    readonly lease?: string;
    readonly logLevel?: "debug" | "info" | "warn" | "error";
    readonly tlsCa?: string;
    readonly tlsCert?: string;
    readonly tlsKey?: string;
    readonly drainTimeout?: string;
}
declare const defineConfig: (config: BicoastalConfig) => BicoastalConfig;
type UserFunction = (...args: never[]) => unknown;
type PlanNode = SourceNode | NarrowNode | UnionNode | WideNode;
interface FileSourceOptions {
    readonly paths: readonly string[];
    readonly splitBytes: number | undefined;
    readonly recordBytesMax: number;
}
type CsvFieldType = "string" | "number" | "boolean";
type FieldKind = "string" | "number" | "boolean" | "json";
type FieldType = FieldKind | `${FieldKind}?`;
type FieldTypes = Readonly<Record<string, FieldType>>;
interface CsvOptions {
    readonly header: boolean | readonly string[];
    readonly delimiter: string;
    readonly quote: string;
    readonly types: Readonly<Record<string, CsvFieldType>>;
    readonly fields?: FieldTypes | undefined;
}
type SourceFormat = ({
    readonly format: "lines";
} & FileSourceOptions) | ({
    readonly format: "jsonl";
    readonly fields?: FieldTypes | undefined;
} & FileSourceOptions) | ({
    readonly format: "csv";
    readonly csv: CsvOptions;
} & FileSourceOptions) | ({
    readonly format: "files";
    readonly as: "text" | "bytes";
} & FileSourceOptions) | {
    readonly format: "range";
    readonly start: number;
    readonly end: number;
    readonly step: number;
    readonly partitions: number | undefined;
} | {
    readonly format: "of";
    readonly values: readonly unknown[];
    readonly partitions: number | undefined;
};
interface SourceNode {
    readonly kind: "source";
    readonly source: SourceFormat;
}
interface MapNode {
    readonly kind: "map";
    readonly input: PlanNode;
    readonly fn: UserFunction;
}
interface FlatMapNode {
    readonly kind: "flatMap";
    readonly input: PlanNode;
    readonly fn: UserFunction;
    readonly tokens?: TokenPattern | undefined;
}
interface TokenPattern {
    readonly source: string;
    readonly flags: string;
}
interface FilterNode {
    readonly kind: "filter";
    readonly input: PlanNode;
    readonly fn: UserFunction;
}
interface KeyByNode {
    readonly kind: "keyBy";
    readonly input: PlanNode;
    readonly fn: UserFunction;
    readonly field?: string | undefined;
}
interface MapPartitionsNode {
    readonly kind: "mapPartitions";
    readonly input: PlanNode;
    readonly fn: UserFunction;
}
interface SampleNode {
    readonly kind: "sample";
    readonly input: PlanNode;
    readonly fraction: number;
    readonly seed: string;
}
interface WordsNode {
    readonly kind: "words";
    readonly input: PlanNode;
}
type NarrowNode = MapNode | FlatMapNode | FilterNode | KeyByNode | MapPartitionsNode | SampleNode | WordsNode;
interface UnionNode {
    readonly kind: "union";
    readonly inputs: readonly PlanNode[];
}
interface Aggregator {
    readonly init: UserFunction;
    readonly add: UserFunction;
    readonly merge: UserFunction;
    readonly finish: UserFunction | undefined;
    readonly isFixed?: boolean | undefined;
}
interface DeclaredValue {
    readonly name: DeclaredName;
    readonly fn: UserFunction;
    readonly field: string | undefined;
}
type DeclaredName = "sumBy" | "minBy" | "maxBy" | "avgBy";
interface AggregateNode {
    readonly kind: "aggregate";
    readonly input: PlanNode;
    readonly key: UserFunction | "pair" | "record" | "all";
    readonly keyField?: string | undefined;
    readonly value?: DeclaredValue | undefined;
    readonly aggregator: Aggregator | "count";
    readonly emit: "pair" | "key" | "result";
    readonly empty: (() => unknown) | undefined;
    readonly partitions: number | undefined;
}
interface GroupNode {
    readonly kind: "group";
    readonly input: PlanNode;
    readonly key: UserFunction | "pair";
    readonly combine: UserFunction | undefined;
    readonly partitions: number | undefined;
}
interface CogroupNode {
    readonly kind: "cogroup";
    readonly left: PlanNode;
    readonly right: PlanNode;
    readonly partitions: number | undefined;
}
type JoinType = "inner" | "left" | "right" | "full" | "semi" | "anti";
type JoinStrategy = "auto" | "broadcast" | "shuffle";
interface JoinNode {
    readonly kind: "join";
    readonly how: JoinType;
    readonly strategy: JoinStrategy;
    readonly left: PlanNode;
    readonly right: PlanNode;
    readonly partitions: number | undefined;
}
interface Collation {
    readonly locale: string;
    readonly numeric: boolean;
    readonly sensitivity: "base" | "accent" | "case" | "variant";
}
interface SortNode {
    readonly kind: "sort";
    readonly input: PlanNode;
    readonly by: UserFunction | "record";
    readonly descending: boolean | readonly boolean[];
    readonly collation?: Collation | undefined;
    readonly partitions: number | undefined;
}
interface TopNode {
    readonly kind: "top";
    readonly input: PlanNode;
    readonly count: number;
    readonly by: UserFunction;
}
interface RepartitionNode {
    readonly kind: "repartition";
    readonly input: PlanNode;
    readonly partitions: number;
}
type WideNode = AggregateNode | GroupNode | CogroupNode | JoinNode | SortNode | TopNode | RepartitionNode;
interface CollectEnd {
    readonly kind: "collect";
    readonly input: PlanNode;
    readonly rowsMax: number;
    readonly single: boolean;
}
type WriteFormat = "jsonl" | "csv" | "text";
interface WriteEnd {
    readonly kind: "write";
    readonly input: PlanNode;
    readonly format: WriteFormat;
    readonly directory: string;
    readonly overwrite: boolean;
    readonly columns: readonly string[] | undefined;
    readonly gzip: boolean;
}
type EndNode = CollectEnd | WriteEnd;
interface Plan {
    readonly ends: readonly {
        readonly name: string;
        readonly end: EndNode;
    }[];
    readonly shape: "single" | "record";
}
type CsvValue<Type extends CsvFieldType | undefined> = Type extends "number" ? number | null : Type extends "boolean" ? boolean | null : string;
type Types = Readonly<Record<string, CsvFieldType>>;
type CsvRow<T extends Types> = [
    keyof T
] extends [
    never
] ? Record<string, string> : Record<string, string> & {
    -readonly [Name in keyof T]: CsvValue<T[Name]>;
};
type CsvNamedRow<Name extends string, T extends Types> = {
    [N in Name]: N extends keyof T ? CsvValue<T[N]> : string;
};
interface TaskContext {
    readonly counter: (name: string, by?: number) => void;
    readonly log: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
    readonly signal: AbortSignal;
    readonly random: () => number;
    readonly now: number;
    readonly partition: number;
}
declare const NODE: unique symbol;
declare const END: unique symbol;
declare class End<out Value> {
    readonly [END]: EndNode;
    readonly [endValue]?: Value;
    constructor(node: EndNode);
}
declare const endValue: unique symbol;
interface AsyncFunctionRefused {
    readonly error: "Functions of operators must not be async: return the value itself.";
}
type NotPromise = object & {
    readonly then?: string | number | bigint | boolean | null | undefined;
};
type PromiseOrTuple = PromiseLike<unknown> | [
];
type OnlyPromise<U> = U & (0 extends 1 & U ? never : U extends readonly unknown[] ? never : unknown);
type Refused<U, Given> = [
    U
] extends [
    never
] ? Given : AsyncFunctionRefused;
type Synchronous<R> = R & (R extends PromiseLike<unknown> ? AsyncFunctionRefused : unknown);
type Key = string | number | bigint | boolean | null | undefined | NotPromise | [
];
type FieldsWith<T, Value> = [
    T
] extends [
    object
] ? T extends readonly unknown[] ? never : {
    [Name in keyof T & string]-?: T[Name] extends Value | null | undefined ? Name : never;
}[keyof T & string] : never;
type KeyField<T> = Exclude<FieldsWith<T, Key>, FieldsWith<T, (...args: never[]) => unknown>>;
type NumberField<T> = FieldsWith<T, number>;
type OrderedField<T> = FieldsWith<T, number> | FieldsWith<T, string>;
type FieldOf<T, Name> = Name extends keyof T ? T[Name] : never;
type OrNull<Value, Result> = [
    Extract<Value, null | undefined>
] extends [
    never
] ? Result : Result | null;
type NumberResult<Value> = OrNull<Value, number>;
type OrderedResult<Value> = OrNull<Value, NonNullable<Value>>;
interface WideOptions {
    readonly partitions?: number;
}
interface AggregateFunctions<T, A, R = A> {
    readonly zero: () => A;
    readonly add: (accumulator: A, value: T) => A;
    readonly merge: (accumulator: A, later: A) => A;
    readonly finish?: (accumulator: A) => Synchronous<R>;
}
interface AggregateOptions<T, A, R = A> extends AggregateFunctions<T, A, R>, WideOptions {
}
interface CollectOptions {
    readonly limit?: number;
}
interface JoinOptions<How extends JoinType = JoinType> extends WideOptions {
    readonly how?: How;
    readonly strategy?: JoinStrategy;
}
interface JoinByOptions<L, R, K, How extends JoinType = JoinType> extends JoinOptions<How> {
    readonly left: (record: L) => K;
    readonly right: (record: R) => K;
}
type Joined<K, L, R, How extends JoinType> = How extends "inner" ? [
    K,
    [
        L,
        R
    ]
] : How extends "left" ? [
    K,
    [
        L,
        R | undefined
    ]
] : How extends "right" ? [
    K,
    [
        L | undefined,
        R
    ]
] : How extends "full" ? [
    K,
    [
        L | undefined,
        R | undefined
    ]
] : [
    K,
    L
];
interface MapReduceFunctions<T, K, V, R> extends WideOptions {
    readonly map: (record: T, emit: (key: K, value: V) => void, ctx: TaskContext) => void;
    readonly combine?: (key: K, values: Iterable<V>) => V;
    readonly reduce: (key: K, values: Iterable<V>, emit: (record: R) => void, ctx: TaskContext) => void;
}
interface SampleOptions {
    readonly seed?: string | number;
}
interface CollationOptions {
    readonly locale: string;
    readonly numeric?: boolean;
    readonly sensitivity?: Collation["sensitivity"];
}
interface SortOptions extends WideOptions {
    readonly descending?: boolean | readonly boolean[];
    readonly collation?: string | CollationOptions;
}
interface WriteOptions {
    readonly overwrite?: boolean;
    readonly gzip?: boolean;
}
interface WriteCsvOptions<T> extends WriteOptions {
    readonly columns?: readonly (T extends readonly unknown[] ? string : keyof T & string)[];
}
interface WriteResult {
    readonly directory: string;
    readonly files: number;
    readonly bytes: number;
    readonly rows: number;
}
type TextRecord = string | number | bigint | boolean;
type RecordOf<D> = D extends Dataset<infer T> ? T : never;
declare class Dataset<out T> {
    readonly [NODE]: PlanNode;
    constructor(node: PlanNode);
    map<U extends PromiseOrTuple>(fn: (record: T, ctx: TaskContext) => OnlyPromise<U>): Refused<U, Dataset<never>>;
    map<U extends object | [
    ]>(fn: (record: T, ctx: TaskContext) => U): Dataset<U>;
    map<U>(fn: (record: T, ctx: TaskContext) => U): Dataset<U>;
    flatMap<U extends object | [
    ]>(fn: (record: T, ctx: TaskContext) => Iterable<U>): Dataset<U>;
    flatMap<U>(fn: (record: T, ctx: TaskContext) => Iterable<U>): Dataset<U>;
    filter<U extends PromiseLike<unknown>>(fn: (record: T, ctx: TaskContext) => OnlyPromise<U>): Refused<U, Dataset<T>>;
    filter<U extends T>(fn: (record: T, ctx: TaskContext) => record is U): Dataset<U>;
    filter(fn: (record: T, ctx: TaskContext) => unknown): Dataset<T>;
    mapPartitions<U extends object | [
    ]>(fn: (records: Iterable<T>, ctx: TaskContext) => Iterable<U>): Dataset<U>;
    mapPartitions<U>(fn: (records: Iterable<T>, ctx: TaskContext) => Iterable<U>): Dataset<U>;
    words(this: Dataset<string>): Dataset<string>;
    tokens(this: Dataset<string>, pattern: RegExp): Dataset<string>;
    keyBy<R, const Name extends KeyField<R>>(this: Dataset<R>, field: Name): Dataset<[
        FieldOf<R, Name>,
        R
    ]>;
    keyBy<K extends Key>(fn: (record: T, ctx: TaskContext) => K): Dataset<[
        K,
        T
    ]>;
    sample(fraction: number, options?: SampleOptions): Dataset<T>;
    union<Others extends readonly Dataset<unknown>[]>(...others: Others): Dataset<T | RecordOf<Others[number]>>;
    groupBy<R, const Name extends KeyField<R>>(this: Dataset<R>, field: Name, options?: WideOptions): Dataset<[
        FieldOf<R, Name>,
        Iterable<R>
    ]>;
    groupBy<K extends Key>(key: (record: T, ctx: TaskContext) => K, options?: WideOptions): Dataset<[
        K,
        Iterable<T>
    ]>;
    groupByKey<K extends Key, V>(this: Dataset<readonly [
        K,
        V
    ]>, options?: WideOptions): Dataset<[
        K,
        Iterable<V>
    ]>;
    reduceByKey<K extends Key, V>(this: Dataset<readonly [
        K,
        V
    ]>, fn: (earlier: V, later: V) => V, options?: WideOptions): Dataset<[
        K,
        V
    ]>;
    aggregateByKey<K extends Key, V, A, R = A>(this: Dataset<readonly [
        K,
        V
    ]>, options: AggregateOptions<V, A, R>): Dataset<[
        K,
        R
    ]>;
    countBy<R, const Name extends KeyField<R>>(this: Dataset<R>, field: Name, options?: WideOptions): Dataset<[
        FieldOf<R, Name>,
        number
    ]>;
    countBy<K extends Key>(this: Dataset<K>, options?: WideOptions): Dataset<[
        K,
        number
    ]>;
    countBy<K extends Key>(key: (record: T, ctx: TaskContext) => K, options?: WideOptions): Dataset<[
        K,
        number
    ]>;
    sumBy<K extends Key, V, const Name extends NumberField<V>>(this: Dataset<readonly [
        K,
        V
    ]>, field: Name, options?: WideOptions): Dataset<[
        K,
        NumberResult<FieldOf<V, Name>>
    ]>;
    sumBy<K extends Key, V, R extends number | null | undefined>(this: Dataset<readonly [
        K,
        V
    ]>, value: (value: V, ctx: TaskContext) => R, options?: WideOptions): Dataset<[
        K,
        NumberResult<R>
    ]>;
    minBy<K extends Key, V, const Name extends OrderedField<V>>(this: Dataset<readonly [
        K,
        V
    ]>, field: Name, options?: WideOptions): Dataset<[
        K,
        OrderedResult<FieldOf<V, Name>>
    ]>;
    minBy<K extends Key, V, R extends number | string | null | undefined>(this: Dataset<readonly [
        K,
        V
    ]>, value: (value: V, ctx: TaskContext) => R, options?: WideOptions): Dataset<[
        K,
        OrderedResult<R>
    ]>;
    maxBy<K extends Key, V, const Name extends OrderedField<V>>(this: Dataset<readonly [
        K,
        V
    ]>, field: Name, options?: WideOptions): Dataset<[
        K,
        OrderedResult<FieldOf<V, Name>>
    ]>;
    maxBy<K extends Key, V, R extends number | string | null | undefined>(this: Dataset<readonly [
        K,
        V
    ]>, value: (value: V, ctx: TaskContext) => R, options?: WideOptions): Dataset<[
        K,
        OrderedResult<R>
    ]>;
    avgBy<K extends Key, V, const Name extends NumberField<V>>(this: Dataset<readonly [
        K,
        V
    ]>, field: Name, options?: WideOptions): Dataset<[
        K,
        NumberResult<FieldOf<V, Name>>
    ]>;
    avgBy<K extends Key, V, R extends number | null | undefined>(this: Dataset<readonly [
        K,
        V
    ]>, value: (value: V, ctx: TaskContext) => R, options?: WideOptions): Dataset<[
        K,
        NumberResult<R>
    ]>;
    distinct(options?: WideOptions): Dataset<T>;
    distinct<R>(this: Dataset<R>, field: KeyField<R>, options?: WideOptions): Dataset<R>;
    distinct(key: (record: T, ctx: TaskContext) => Key, options?: WideOptions): Dataset<T>;
    join<K extends Key, L, R, const How extends JoinType = "inner">(this: Dataset<readonly [
        K,
        L
    ]>, other: Dataset<readonly [
        K,
        R
    ]>, how?: How | JoinOptions<How>): Dataset<Joined<K, L, R, How>>;
    join<R, K extends Key, const How extends JoinType = "inner">(other: Dataset<R>, options: JoinByOptions<T, R, K, How>): Dataset<Joined<K, T, R, How>>;
    cogroup<K extends Key, L, R>(this: Dataset<readonly [
        K,
        L
    ]>, other: Dataset<readonly [
        K,
        R
    ]>, options?: WideOptions): Dataset<[
        K,
        [
            Iterable<L>,
            Iterable<R>
        ]
    ]>;
    sortBy<R>(this: Dataset<R>, field: KeyField<R>, options?: SortOptions): Dataset<R>;
    sortBy(key: (record: T) => Key, options?: SortOptions): Dataset<T>;
    sort(this: Dataset<Key>, options?: SortOptions): Dataset<T>;
    top<R>(this: Dataset<R>, count: number, field: KeyField<R>): Dataset<R>;
    top(count: number, by?: (record: T) => Key): Dataset<T>;
    repartition(partitions: number): Dataset<T>;
    mapReduce<K extends Key, V, R>(functions: MapReduceFunctions<T, K, V, R>): Dataset<R>;
    collect(options?: CollectOptions): End<T[]>;
    count(): End<number>;
    reduce(fn: (earlier: T, later: T) => T): End<T | undefined>;
    aggregate<A, R = A>(functions: AggregateFunctions<T, A, R>): End<R>;
    write(format: "jsonl", directory: string, options?: WriteOptions): End<WriteResult>;
    write(format: "csv", directory: string, options?: WriteCsvOptions<T>): End<WriteResult>;
    write(this: Dataset<TextRecord>, format: "text", directory: string, options?: WriteOptions): End<WriteResult>;
}
type ErrorCode = "USAGE" | "PARAM_INVALID" | "PARAM_UNKNOWN" | "JOB_INVALID" | "JOB_NOT_FOUND" | "JOB_RUNNING" | "JOB_FAILED" | "JOB_CANCELLED" | "PLAN_IMPURE" | "BUNDLE_FAILED" | "INPUT_NOT_FOUND" | "INPUT_UNREADABLE" | "INPUT_CHANGED" | "INPUT_CORRUPT" | "RECORD_INVALID" | "RECORD_TOO_LONG" | "USER_FUNCTION" | "KEY_INVALID" | "VALUE_UNENCODABLE" | "GROUP_CONSUMED" | "TASK_TIMEOUT" | "THREAD_DIED" | "OUT_OF_MEMORY" | "COLLECT_TOO_LARGE" | "OUTPUT_EXISTS" | "OUTPUT_FAILED" | "OUTPUT_DIFFERS" | "BLOB_MISSING" | "BLOB_CORRUPT" | "PEER_UNREACHABLE" | "DISK_FULL" | "STORE_UNAVAILABLE" | "STORE_CORRUPT" | "STORE_REFUSED" | "LEASE_GONE" | "DRIVER_DEPOSED" | "MESSAGE_INVALID";
type ErrorDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
interface ErrorOptions {
    readonly retryable?: boolean;
    readonly details?: ErrorDetails;
    readonly cause?: unknown;
}
declare class BicoastalError extends Error {
    readonly name = "BicoastalError";
    readonly code: ErrorCode;
    readonly retryable: boolean;
    readonly details: ErrorDetails;
    constructor(code: ErrorCode, message: string, options?: ErrorOptions);
}
interface ErrorInfo {
    readonly code: ErrorCode;
    readonly message: string;
    readonly retryable: boolean;
    readonly details: ErrorDetails;
    readonly stack?: string;
}
type PlainValue = string | number | boolean | null | readonly PlainValue[] | PlainObject;
interface PlainObject {
    readonly [name: string]: PlainValue;
}
type ParamType = "string" | "number" | "boolean" | "string[]" | "number[]" | "boolean[]" | "json" | "any";
interface ParamFlag {
    readonly name: string;
    readonly flag: string;
    readonly type: ParamType;
    readonly required: boolean;
    readonly default: PlainValue | undefined;
    readonly description: string | undefined;
    readonly choices: readonly string[] | undefined;
}
interface ParamsDescription {
    readonly flags: readonly ParamFlag[];
    readonly open: boolean;
}
type FlagTexts = ReadonlyMap<string, readonly string[]>;
type PlainParams = Readonly<Record<string, PlainValue>>;
declare const jobTypes: unique symbol;
interface Job<Params = unknown, Result = unknown> {
    readonly kind: "bicoastal.job";
    readonly name: string;
    readonly module: string | undefined;
    readonly params: ParamsDescription;
    parseParams(input?: unknown, flags?: FlagTexts): Promise<PlainParams>;
    build(params: PlainParams): Plan;
    readonly [jobTypes]?: {
        readonly params: Params;
        readonly result: Result;
    };
}
type Output = Dataset<unknown> | End<unknown>;
type RunOutput = Output | {
    readonly [name: string]: Output;
};
type ResultOf<T> = T extends Dataset<infer Row> ? Row[] : T extends End<infer Value> ? Value : {
    readonly [Name in keyof T]: ResultOf<T[Name]>;
};
type Widened<T> = T extends string ? string : T extends number ? number : T extends boolean ? boolean : T extends readonly (infer Item)[] ? Widened<Item>[] : T extends object ? {
    -readonly [Name in keyof T]: Widened<T[Name]>;
} : T;
interface DefinitionBase {
    readonly name: string;
    readonly module?: string;
}
interface SchemaDefinition<Schema extends StandardSchemaV1, Returned extends RunOutput> extends DefinitionBase {
    readonly params: Schema;
    readonly run: (params: StandardSchemaV1.InferOutput<Schema>) => Returned;
}
interface DefaultsDefinition<Defaults extends object, Returned extends RunOutput> extends DefinitionBase {
    readonly params?: Defaults;
    readonly run: (params: Widened<Defaults>) => Returned;
}
declare function job<Schema extends StandardSchemaV1, Returned extends RunOutput>(definition: SchemaDefinition<Schema, Returned>): Job<StandardSchemaV1.InferInput<Schema>, ResultOf<Returned>>;
declare function job<Returned extends RunOutput, Defaults extends object = {}>(definition: DefaultsDefinition<Defaults, Returned>): Job<Partial<Widened<Defaults>>, ResultOf<Returned>>;
type Paths = string | readonly string[];
interface FileOptions {
    readonly splitBytes?: number;
    readonly recordBytesMax?: number;
}
interface CsvReadOptions extends FileOptions {
    readonly delimiter?: string;
    readonly quote?: string;
}
type FieldValue<Type extends FieldType> = Type extends `${infer Kind extends FieldType}?` ? FieldValue<Kind> | null : Type extends "string" ? string : Type extends "number" ? number : Type extends "boolean" ? boolean : unknown;
type FieldsRow<Fields extends FieldTypes> = {
    -readonly [Name in keyof Fields]: FieldValue<Fields[Name]>;
};
interface FileRecord<Content extends string | Uint8Array = string> {
    readonly path: string;
    readonly content: Content;
}
declare function lines(paths: Paths, options?: FileOptions): Dataset<string>;
declare function jsonl<const F extends FieldTypes>(paths: Paths, options: FileOptions & {
    readonly fields: F;
}): Dataset<FieldsRow<F>>;
declare function jsonl<T = unknown>(paths: Paths, options?: FileOptions): Dataset<T>;
declare function csv<const F extends FieldTypes>(paths: Paths, options: CsvReadOptions & {
    readonly header?: true;
    readonly fields: F;
}): Dataset<FieldsRow<F>>;
declare function csv<const Name extends string, const F extends FieldTypes>(paths: Paths, options: CsvReadOptions & {
    readonly header: readonly Name[];
    readonly fields: F & {
        readonly [N in Exclude<keyof F, Name>]: never;
    };
}): Dataset<FieldsRow<F>>;
declare function csv<const T extends Readonly<Record<string, CsvFieldType>> = {}>(paths: Paths, options?: CsvReadOptions & {
    readonly header?: true;
    readonly types?: T;
}): Dataset<CsvRow<T>>;
declare function csv<const Name extends string, const T extends Readonly<Record<string, CsvFieldType>> = {}>(paths: Paths, options: CsvReadOptions & {
    readonly header: readonly Name[];
    readonly types?: T & {
        readonly [N in Exclude<keyof T, Name>]: never;
    };
}): Dataset<CsvNamedRow<Name, T>>;
declare function csv(paths: Paths, options: CsvReadOptions & {
    readonly header: false;
}): Dataset<string[]>;
declare function files(paths: Paths, options?: FileOptions & {
    readonly as?: "text";
}): Dataset<FileRecord>;
declare function files(paths: Paths, options: FileOptions & {
    readonly as: "bytes";
}): Dataset<FileRecord<Uint8Array>>;
declare function range(end: number, options?: WideOptions): Dataset<number>;
declare function range(start: number, end: number, options?: WideOptions): Dataset<number>;
declare function range(start: number, end: number, step: number, options?: WideOptions): Dataset<number>;
declare function of<T>(values: Iterable<T>, options?: WideOptions): Dataset<T>;
declare const read: Readonly<{
    lines: typeof lines;
    jsonl: typeof jsonl;
    csv: typeof csv;
    files: typeof files;
    range: typeof range;
    of: typeof of;
}>;
declare const brand: unique symbol;
type Branded<T, Name extends string> = T & {
    readonly [brand]: Name;
};
type JobId = Branded<string, "JobId">;
type StageId = Branded<number, "StageId">;
type RunEvent = {
    readonly kind: "started";
    readonly job: JobId;
    readonly stages: readonly {
        readonly id: StageId;
        readonly label: string;
        readonly tasks: number;
    }[];
    readonly tasksResumed: number;
} | {
    readonly kind: "progress";
    readonly progress: Progress;
} | {
    readonly kind: "taskFailed";
    readonly stage: StageId;
    readonly partition: number;
    readonly tries: number;
    readonly triesMax: number;
    readonly error: ErrorInfo;
    readonly retryInMs: number | undefined;
} | {
    readonly kind: "outputLost";
    readonly stage: StageId;
    readonly partition: number;
} | {
    readonly kind: "backupStarted";
    readonly stage: StageId;
    readonly partition: number;
    readonly node: string;
} | {
    readonly kind: "backupWon";
    readonly stage: StageId;
    readonly partition: number;
    readonly node: string;
} | {
    readonly kind: "nodeSetAside";
    readonly node: string;
    readonly forMs: number;
} | {
    readonly kind: "nodeBack";
    readonly node: string;
} | {
    readonly kind: "log";
    readonly stage: StageId;
    readonly partition: number;
    readonly message: string;
    readonly fields: string | undefined;
} | {
    readonly kind: "warning";
    readonly message: string;
} | {
    readonly kind: "stopping";
    readonly reason: string;
};
interface Progress {
    readonly tasksDone: number;
    readonly tasksRunning: number;
    readonly tasksTotal: number;
    readonly stage: string;
    readonly rows: number;
    readonly bytes: number;
    readonly bytesTotal: number;
    readonly elapsedMs: number;
    readonly rowsPerSecond: number;
    readonly bytesPerSecond: number;
    readonly etaMs: number | undefined;
}
declare const LOG_LEVELS: readonly [
    "debug",
    "info",
    "warn",
    "error"
];
type LogLevel = (typeof LOG_LEVELS)[number];
interface LogEntry {
    readonly atMs: number;
    readonly level: LogLevel;
    readonly node: string;
    readonly message: string;
    readonly attempt?: string;
    readonly fields?: unknown;
    readonly error?: {
        readonly code: ErrorCode;
        readonly details: ErrorDetails;
        readonly stack?: string;
    };
}
type LogItem = {
    readonly kind: "line";
    readonly entry: LogEntry;
} | {
    readonly kind: "dropped";
    readonly node: string;
    readonly lines: number;
} | {
    readonly kind: "away";
    readonly node: string;
    readonly reason: string;
};
interface SessionOptions {
    readonly dataDir?: string;
    readonly store?: string;
    readonly tls?: TlsOptions;
}
interface TlsOptions {
    readonly ca: string;
    readonly cert: string;
    readonly key: string;
}
interface RunOptions {
    readonly threads?: number;
    readonly memory?: number | string;
    readonly debug?: boolean;
    readonly attempts?: number;
    readonly taskTimeoutMs?: number;
    readonly flags?: FlagTexts;
    readonly signal?: AbortSignal;
    readonly onEvent?: (event: RunEvent) => void;
}
type SubmitOptions = Pick<RunOptions, "attempts" | "taskTimeoutMs" | "flags">;
interface CancelOptions {
    readonly reason?: string;
    readonly waitMs?: number;
}
interface LogsOptions {
    readonly follow?: boolean;
    readonly signal?: AbortSignal;
}
interface JobOutcome<Result = unknown> {
    readonly job: JobId;
    readonly name: string;
    readonly result: Result;
    readonly ends: readonly EndOutcome[];
    readonly shape: "single" | "record";
    readonly counters: Readonly<Record<string, number>>;
    readonly rows: number;
    readonly bytes: number;
    readonly tasks: number;
    readonly tasksResumed: number;
    readonly elapsedMs: number;
}
type EndOutcome = {
    readonly kind: "rows";
    readonly name: string;
    readonly rows: readonly unknown[];
} | {
    readonly kind: "value";
    readonly name: string;
    readonly value: unknown;
} | {
    readonly kind: "written";
    readonly name: string;
    readonly directory: string;
    readonly files: number;
    readonly bytes: number;
    readonly rows: number;
};
type JobState = "running" | "interrupted" | "succeeded" | "failed" | "cancelled";
interface JobSummary {
    readonly job: JobId;
    readonly name: string;
    readonly state: JobState;
    readonly submittedAtMs: number;
    readonly endedAtMs: number | undefined;
    readonly tasksDone: number;
    readonly tasksTotal: number;
}
interface JobDetails extends JobSummary {
    readonly params: unknown;
    readonly epochs: number;
    readonly stages: readonly {
        readonly label: string;
        readonly tasks: number;
        readonly tasksDone: number;
    }[];
    readonly counters: Readonly<Record<string, number>>;
    readonly error: ErrorInfo | undefined;
    readonly setAside: readonly string[];
}
type ParamsThen<Params, Options> = {} extends Params ? [
    params?: Params,
    options?: Options
] : [
    params: Params,
    options?: Options
];
interface Session {
    run<Params, Result>(job: Job<Params, Result>, ...rest: ParamsThen<Params, RunOptions>): Promise<JobOutcome<Result>>;
    resume(job: string, options?: RunOptions): Promise<JobOutcome>;
    reopen(job: string): Promise<JobId>;
    submit<Params>(job: Job<Params>, ...rest: ParamsThen<Params, SubmitOptions>): Promise<JobId>;
    cancel(job: string, options?: CancelOptions): Promise<JobState>;
    jobs(): Promise<readonly JobSummary[]>;
    job(job: string): Promise<JobDetails>;
    logs(job: string, options?: LogsOptions): AsyncIterable<LogItem>;
    remove(job: string): Promise<void>;
    close(): Promise<void>;
}
type RunAndSessionOptions = RunOptions & SessionOptions;
declare function connect(options?: SessionOptions): Promise<Session>;
declare function run<Params, Result>(job: Job<Params, Result>, ...[params, { dataDir, store, ...options }]: ParamsThen<Params, RunAndSessionOptions>): Promise<Result>;
export { type AggregateFunctions, type AggregateOptions, type BicoastalConfig, BicoastalError, type CancelOptions, type CollationOptions, type CollectOptions, type CsvFieldType, type CsvNamedRow, type CsvReadOptions, type CsvRow, type CsvValue, type Dataset, type DefaultsDefinition, type End, type EndOutcome, type ErrorCode, type ErrorDetails, type ErrorInfo, type FieldKind, type FieldType, type FieldTypes, type FieldValue, type FieldsRow, type FileOptions, type FileRecord, type FlagTexts, type Job, type JobDetails, type JobId, type JobOutcome, type JobState, type JobSummary, type JoinByOptions, type JoinOptions, type JoinType, type Joined, type Key, type LogEntry, type LogItem, type LogLevel, type LogsOptions, type MapReduceFunctions, type Output, type ParamFlag, type ParamType, type ParamsDescription, type ParamsThen, type Paths, type PlainObject, type PlainParams, type PlainValue, type Progress, type RecordOf, type ResultOf, type RunAndSessionOptions, type RunEvent, type RunOptions, type RunOutput, type SampleOptions, type SchemaDefinition, type Session, type SessionOptions, type SortOptions, type StageId, type SubmitOptions, type TaskContext, type TextRecord, type WideOptions, type Widened, type WriteCsvOptions, type WriteFormat, type WriteOptions, type WriteResult, connect, defineConfig, job, read, run };
