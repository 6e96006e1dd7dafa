/**
 * A job's log in the control store.
 *
 * Owns: the shape of the log's keys and transactions; fencing; what became of a write whose answer was lost.
 *
 * Invariants
 * 1. A record is written only if the epoch is still the writer's *and* nothing stands at its sequence number (S2). The
 *    epoch's number alone would not say whose it is: in a store that was set back to an older state it is given out again.
 * 2. Writing the same record twice is the same as once: a transaction whose outcome is unknown is sent again, and
 *    if it does not hold any more, the record that stands there tells whether it was ours (S12). Of a take-over the
 *    lease of the owner's key tells it: another one in this process may write the same record in the same millisecond.
 */
import { assert } from "../base/assert.ts";
import { BicoastalError } from "../base/errors.ts";
import { type ContentHash, type Epoch, epoch, type JobId, type NodeId, nodeId } from "../base/ids.ts";
import { type ControlStore, type Entry, type LeaseId, prefixEnd } from "../ports/control-store.ts";
import { corruptStore, decodeObject, decodeRecord, encodeJson, encodeRecord } from "../protocol/codec.ts";
import type { LogEvent, LogRecord } from "../protocol/log-event.ts";
import { fieldsOf, isCount, isNumber, isText, oneOf, optional } from "../protocol/shape.ts";
import { jobKeys } from "./job-keys.ts";
import { type RetryClock, untilAvailable } from "./retry.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Take-overs that lose a race are tried again so often. */
const TAKEOVER_TRIES_MAX = 20;

/** Nobody holds the epoch of a job that was just submitted, and in logs of earlier versions no epoch says who holds it. */
const EPOCH_TEXT = /^(\d{1,15})(?: .+)?$/;

/** What a list of jobs shows; kept beside the log, in the same transactions. */
export interface JobCard {
  readonly job: JobId;
  readonly name: string;
  readonly submittedAtMs: number;
  readonly tasks: number;
  /** Undefined while the job has not ended. */
  readonly end:
    | {
        readonly kind: "committed" | "failed" | "cancelled";
        readonly atMs: number;
        readonly tasksDone: number;
        /** In a cluster, of a job that committed: the blob of what it gave. */
        readonly results?: ContentHash | undefined;
      }
    | undefined;
}

/** Who drives a job, for others to read. */
export interface DriverOwner {
  readonly node: NodeId;
  readonly host: string;
  readonly pid: number;
}

/** A job's keys as they were at one moment. */
export interface JobSnapshot {
  readonly records: readonly LogRecord[];
  readonly owner: DriverOwner | undefined;
  readonly epochEntry: Entry;
  readonly ownerEntry: Entry | undefined;
}

export class JobLog {
  readonly #store: ControlStore;
  readonly #timing: RetryClock;
  readonly #job: JobId;
  readonly #keys: ReturnType<typeof jobKeys>;
  #closed = false;

  constructor(store: ControlStore, job: JobId, timing: RetryClock) {
    this.#store = store;
    this.#timing = timing;
    this.#job = job;
    this.#keys = jobKeys(job);
  }

  /**
   * Writes the job's first record; when this resolves the job exists for good (S1).
   * @param open Makes it a job that some node of the cluster drives, and tells it so much of it.
   */
  async submit(spec: ContentHash, card: JobCard, open?: Uint8Array): Promise<void> {
    const event: LogEvent = { kind: "submitted", job: this.#job, spec, atMs: card.submittedAtMs };
    const bytes = encodeRecord({ version: 1, seq: 0, epoch: epoch(0), events: [event] });
    const submit = async () =>
      this.#store.txn({
        compare: [{ key: this.#keys.log(0), target: "createRevision", op: "=", value: 0 }],
        success: [
          { kind: "put", key: this.#keys.log(0), value: bytes },
          { kind: "put", key: this.#keys.epoch, value: encoder.encode("0") },
          { kind: "put", key: this.#keys.card, value: encodeJson(card) },
          ...(open === undefined ? [] : [{ kind: "put", key: this.#keys.open, value: open } as const]),
        ],
      });
    // In a store that is set back meanwhile a record that stood in the way may be gone when it is looked at.
    const written = (await this.#write(0, bytes, submit)) || (await this.#write(0, bytes, submit));
    assert(written, "a new job's id is its own");
  }

  /** Whether some node of the cluster should drive the job. */
  async isOpen(): Promise<boolean> {
    return (await this.#get(this.#keys.open)) !== undefined;
  }

  /**
   * Has the cluster's nodes go on with a job that has ended, and not committed. False where it has committed, or ends
   * otherwise meanwhile. Harmless where it is open.
   */
  async reopen(card: JobCard, open: Uint8Array): Promise<boolean> {
    const { records } = await this.read();
    const last = records.at(-1);
    if (last?.events.at(-1)?.kind === "committed") return false;
    const { succeeded } = await untilAvailable(
      this.#timing,
      () =>
        this.#store.txn({
          compare: [{ key: this.#keys.log(records.length), target: "createRevision", op: "=", value: 0 }],
          success: [
            { kind: "put", key: this.#keys.open, value: open },
            { kind: "put", key: this.#keys.card, value: encodeJson(card) },
            { kind: "delete", key: this.#keys.cancel },
          ],
        }),
      () => this.#closed,
    );
    return succeeded;
  }

  /** Throws JOB_NOT_FOUND. */
  async read(): Promise<JobSnapshot> {
    return untilAvailable(
      this.#timing,
      () => this.#readOnce(),
      () => this.#closed,
    );
  }

  /** The records from this one on. Throws STORE_CORRUPT. */
  async readFrom(seq: number): Promise<readonly LogRecord[]> {
    const { log, logPrefix } = this.#keys;
    const { entries } = await untilAvailable(
      this.#timing,
      () => this.#store.range(log(seq), prefixEnd(logPrefix)),
      () => this.#closed,
    );
    return entries.map((entry, index) => recordIn(entry, log(seq + index), seq + index));
  }

  /** Who drives, of a log that may be damaged. Throws JOB_NOT_FOUND. */
  async readOwner(): Promise<Pick<JobSnapshot, "owner" | "epochEntry">> {
    const epochEntry = await this.#get(this.#keys.epoch);
    if (epochEntry === undefined) throw jobNotFound(this.#job);
    const ownerEntry = await this.#get(this.#keys.driver);
    return { owner: ownerEntry === undefined ? undefined : decodeOwner(ownerEntry), epochEntry };
  }

  async #readOnce(): Promise<JobSnapshot> {
    const { prefix, epoch: epochKey, driver } = this.#keys;
    const { entries } = await this.#store.range(prefix, prefixEnd(prefix));
    const byKey = new Map(entries.map((entry) => [entry.key, entry]));
    const epochEntry = byKey.get(epochKey);
    if (epochEntry === undefined) throw jobNotFound(this.#job);
    const ownerEntry = byKey.get(driver);
    const logged = entries.filter((entry) => entry.key.startsWith(this.#keys.logPrefix));
    const records = logged.map((entry, index) => recordIn(entry, this.#keys.log(index), index));
    decodeEpoch(epochEntry);
    const owner = ownerEntry === undefined ? undefined : decodeOwner(ownerEntry);
    return { records, owner, epochEntry, ownerEntry };
  }

  /**
   * Raises the epoch and says so in the log; from then on no other driver's write succeeds.
   * Gives undefined where there is nothing left to drive: the job has committed meanwhile, or is not open and must be. Throws JOB_RUNNING where
   * another driver is at work.
   */
  async takeOver(request: TakeOver): Promise<TakenOver | undefined> {
    const { owner, lease, card, wallMs, holder, isDead, onlyOpen } = request;
    for (let tries = 0; tries < TAKEOVER_TRIES_MAX; tries++) {
      const snapshot = await this.read();
      const { records, ownerEntry, epochEntry } = snapshot;
      if (records.at(-1)?.events.at(-1)?.kind === "committed") return undefined;
      if (onlyOpen === true && !(await this.isOpen())) return undefined;
      if (snapshot.owner !== undefined && !isDead(snapshot.owner))
        throw jobRunning(this.#job, snapshot.owner);
      const next = epoch(Math.max(decodeEpoch(epochEntry), request.above ?? 0) + 1);
      const event: LogEvent = { kind: "epochStarted", epoch: next, driver: owner.node, atMs: wallMs, holder };
      const record: LogRecord = { version: 1, seq: records.length, epoch: next, events: [event] };
      const bytes = encodeRecord(record);
      const key = this.#keys.log(record.seq);
      const term = encodeEpoch(next, holder);
      const take = () =>
        this.#store.txn({
          compare: [
            { key: this.#keys.epoch, target: "modRevision", op: "=", value: epochEntry.modRevision },
            // In a store that was set back revisions come again, and records that were read may be gone.
            { key: this.#keys.epoch, target: "value", op: "=", value: epochEntry.value },
            { key: this.#keys.log(record.seq - 1), target: "createRevision", op: ">", value: 0 },
            { key: this.#keys.driver, target: "modRevision", op: "=", value: ownerEntry?.modRevision ?? 0 },
            { key, target: "createRevision", op: "=", value: 0 },
            ...(onlyOpen === true
              ? [{ key: this.#keys.open, target: "createRevision", op: ">", value: 0 } as const]
              : []),
          ],
          success: [
            { kind: "put", key, value: bytes },
            { kind: "put", key: this.#keys.epoch, value: term },
            { kind: "put", key: this.#keys.driver, value: encodeJson(owner), lease },
            { kind: "put", key: this.#keys.card, value: encodeJson(card) },
            // Whoever takes a job over by his own wish wants it to go on, whatever was asked of its last driver.
            ...(onlyOpen === true ? [] : [{ kind: "delete", key: this.#keys.cancel } as const]),
          ],
        });
      const isOurs = async (): Promise<boolean> => (await this.#get(this.#keys.driver))?.lease === lease;
      if (await this.#write(record.seq, bytes, take, isOurs))
        return { epoch: next, term, records: [...records, record] };
    }
    throw new BicoastalError(
      "JOB_RUNNING",
      `Job ${this.#job} is being taken over by others again and again. See who does, then try again.`,
    );
  }

  /**
   * Appends a driver's record; false where the driver was deposed and nothing was written. Waits as long as the
   * store is away.
   * @param term Its own, as its take-over gave it.
   * @param card Written with it, where the record ends the job: then nobody drives it any more, which is told as well.
   */
  async append(record: LogRecord, term: Uint8Array, card: JobCard | undefined): Promise<boolean> {
    const bytes = encodeRecord(record);
    const key = this.#keys.log(record.seq);
    return this.#write(record.seq, bytes, () =>
      this.#store.txn({
        compare: [
          { key: this.#keys.epoch, target: "value", op: "=", value: term },
          { key, target: "createRevision", op: "=", value: 0 },
          { key: this.#keys.log(record.seq - 1), target: "createRevision", op: ">", value: 0 },
        ],
        success: [
          { kind: "put", key, value: bytes },
          ...(card === undefined
            ? []
            : [
                { kind: "put", key: this.#keys.card, value: encodeJson(card) } as const,
                { kind: "delete", key: this.#keys.driver } as const,
                { kind: "delete", key: this.#keys.open } as const,
                { kind: "delete", key: this.#keys.cancel } as const,
                { kind: "delete", key: this.#keys.progress } as const,
              ]),
        ],
      }),
    );
  }

  /**
   * Sends until there is an answer, then says whether these very bytes stand in the log.
   * @param isOurs Asked where the bytes are there and somebody else may have written the same.
   */
  async #write(
    seq: number,
    bytes: Uint8Array,
    txn: () => Promise<{ readonly succeeded: boolean }>,
    isOurs = async (): Promise<boolean> => true,
  ): Promise<boolean> {
    const { succeeded } = await untilAvailable(this.#timing, txn, () => this.#closed);
    if (succeeded) return true;
    const entry = await this.#get(this.#keys.log(seq));
    return entry !== undefined && sameBytes(entry.value, bytes) && isOurs();
  }

  async #get(key: string): Promise<Entry | undefined> {
    const { entry } = await untilAvailable(
      this.#timing,
      () => this.#store.get(key),
      () => this.#closed,
    );
    return entry;
  }

  /** Waits end with an error from now on. */
  close(): void {
    this.#closed = true;
  }
}

export interface TakeOver {
  readonly owner: DriverOwner;
  readonly lease: LeaseId;
  /** The job's card, not ended. */
  readonly card: JobCard;
  readonly wallMs: number;
  /** Never the same for two take-overs, of one process or of two. One line. */
  readonly holder: string;
  /** Whether the owner on record is certainly gone, so that its lease need not be waited for. */
  readonly isDead: (owner: DriverOwner) => boolean;
  /** Leaves a job alone that has ended, unless it was opened again. Default false: an ended job goes on. */
  readonly onlyOpen?: boolean;
  /** An epoch that is known to be another's, though the store may have forgotten it. Default: what the store says is all there is. */
  readonly above?: Epoch;
}

export interface TakenOver {
  readonly epoch: Epoch;
  /** What the epoch's key holds while nobody else has taken over. */
  readonly term: Uint8Array;
  /** The whole log, the take-over included. */
  readonly records: readonly LogRecord[];
}

/** Undefined where the card is damaged: all it says stands in the log as well. */
export function decodeCard(entry: Entry): JobCard | undefined {
  try {
    const card = decodeObject(entry.value, `Key ${entry.key}`);
    return isCard(card) ? (card as unknown as JobCard) : undefined;
  } catch {
    return undefined;
  }
}

const isCard = fieldsOf({
  job: isText,
  name: isText,
  submittedAtMs: isNumber,
  tasks: isCount,
  end: optional(
    fieldsOf({
      kind: oneOf("committed", "failed", "cancelled"),
      atMs: isNumber,
      tasksDone: isCount,
      results: optional(isText),
    }),
  ),
});

/** Throws STORE_CORRUPT. */
export function decodeOwner(entry: Entry): DriverOwner {
  const source = `Key ${entry.key}`;
  const { node, host, pid } = decodeObject(entry.value, source);
  if (typeof node !== "string" || typeof host !== "string" || typeof pid !== "number")
    throw corruptStore(source, "not the name of a process");
  return { node: nodeId(node), host, pid };
}

/** The record that is to stand there. Throws STORE_CORRUPT. */
function recordIn(entry: Entry, key: string, seq: number): LogRecord {
  const source = `Log record ${entry.key}`;
  const record = decodeRecord(entry.value, source);
  if (record.seq !== seq || entry.key !== key) throw corruptStore(source, "out of place");
  return record;
}

function encodeEpoch(of: Epoch, holder: string): Uint8Array {
  const text = `${of} ${holder}`;
  assert(EPOCH_TEXT.test(text), "who holds an epoch is said in one line");
  return encoder.encode(text);
}

function decodeEpoch(entry: Entry): Epoch {
  const [, digits] = EPOCH_TEXT.exec(decoder.decode(entry.value)) ?? [];
  if (digits === undefined) throw corruptStore(`Key ${entry.key}`, "not a number");
  return epoch(Number(digits));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

export function jobNotFound(job: string): BicoastalError {
  return new BicoastalError(
    "JOB_NOT_FOUND",
    `There is no job ${job} here. \`bicoastal jobs\` lists those of this data directory; --data-dir names another.`,
    {
      details: { job },
    },
  );
}

function jobRunning(job: JobId, owner: DriverOwner): BicoastalError {
  const message = `Job ${job} is running now, in process ${owner.pid} on ${owner.host}. Wait for it, or stop that process and resume the job.`;
  return new BicoastalError("JOB_RUNNING", message, { details: { job, host: owner.host, pid: owner.pid } });
}
