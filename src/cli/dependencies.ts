/** What commands need beyond their process; handed in, so that they are tested without any of it. */
import type { MadeCertificate, MakeCertificates } from "../adapters/certs/make-certificates.ts";
import type { NodeSettings, RunningNode } from "../api/compose-cluster.ts";
import type { ListedNode } from "../api/compose-store.ts";
import type { Job } from "../api/job.ts";
import type { RunOptions, Session, SessionOptions } from "../api/session.ts";
import type { Plan } from "../plan/node.ts";
import type { PlanLayout } from "../runtime/lay-out-plan.ts";
import type { DevCluster, DevSettings } from "./dev/dev-cluster.ts";
import type { DiagnoseRequest } from "./doctor/diagnose.ts";
import type { Finding } from "./doctor/finding.ts";
import type { CliIo } from "./io.ts";

export interface LoadRequest {
  /** As the user wrote it. */
  readonly file: string;
  /** `--job`: which one, where the file has several. */
  readonly name: string | undefined;
  /** Default: the session's. */
  readonly dataDir?: string;
  /** Whether the job is only looked at, so that nothing of it has to be kept. */
  readonly lookOnly?: boolean;
  /** Given where the job is to run next, as far as its options can be told before it is loaded. */
  readonly run?: RunOptions;
}

export interface CliDependencies {
  /** Throws USAGE, STORE_UNAVAILABLE. */
  startNode(settings: NodeSettings): Promise<RunningNode>;
  /** Throws USAGE, STORE_UNAVAILABLE where the store or a node does not come up. */
  startDevCluster(settings: DevSettings): Promise<DevCluster>;
  /** Who belongs to the cluster of this store now, by name. Throws USAGE, STORE_UNAVAILABLE. */
  listNodes(store: string): Promise<readonly ListedNode[]>;
  /**
   * Resolves when the node has drained. `onAsked`: it was found, and asked. Throws USAGE, PEER_UNREACHABLE,
   * STORE_UNAVAILABLE.
   */
  drainNode(store: string, node: string, onAsked: () => void): Promise<void>;
  /** Throws USAGE. */
  makeCertificates(request: MakeCertificates): Promise<readonly MadeCertificate[]>;
  /** What is well and what is not, with a cluster where a store is given. */
  diagnose(request: DiagnoseRequest): Promise<readonly Finding[]>;
  /** Whether there is one: none is made only to be looked at. */
  hasDataDir(dataDir: string): boolean;
  connect(options: SessionOptions): Promise<Session>;
  /** Throws USAGE and BUNDLE_FAILED where the file holds no job that can be told. */
  loadJob(request: LoadRequest): Promise<Job>;
  /** The stages of a plan, and how many tasks each would have now. Throws what listing the inputs throws. */
  layOutPlan(plan: Plan): Promise<Pick<PlanLayout, "stages" | "sizes">>;
}

/** What every command is given. */
export interface CommandContext {
  /** Everything after the command's name. */
  readonly tokens: readonly string[];
  readonly io: CliIo;
  readonly dependencies: CliDependencies;
  /** Where Bicoastal's own files lie. */
  readonly ownRoot: string;
}

/** Returns the exit code. Throws what it does not handle itself. */
export type Command = (context: CommandContext) => Promise<number>;
