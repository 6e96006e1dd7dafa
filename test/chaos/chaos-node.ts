/** One node of the cluster: a process that is started, harmed and started again, with the same name, disk and address. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { NetworkSpace } from "../cluster/network-spaces.ts";
import type { NodeLine } from "../cluster/node-processes.ts";
import { TiedProcess } from "../tied-process.ts";
import type { MemoryLimit } from "./memory-limit.ts";
import type { SlowLink } from "./slow-link.ts";

export interface NodeParts {
  readonly name: string;
  readonly region: string;
  readonly dataDir: string;
  readonly store: string;
  readonly leaseMs: number;
  readonly host: string;
  readonly port: number;
  /** A machine of its own, as far as the network goes. */
  readonly space: NetworkSpace | undefined;
  /** What others reach it by, where that is not its own address. */
  readonly link: { readonly address: string; readonly proxy: SlowLink } | undefined;
  /** Whether its data directory is a small disk of its own. */
  readonly hasDisk: boolean;
  /** Where its wall clock stands, in a file that libfaketime reads. */
  readonly clock: { readonly file: string; readonly library: string } | undefined;
  readonly memory: MemoryLimit | undefined;
  /** The built command. */
  readonly bin: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (node: ChaosNode, line: NodeLine) => void;
  readonly onText: (name: string, line: string) => void;
}

/** `bicoastal node` says so much of itself; more than the tests of a cluster need. */
const THREADS = "1";
const MEMORY = "300MB";
const DRAIN_TIMEOUT = "4s";
const POLL_MS = 25;

export class ChaosNode {
  readonly parts: NodeParts;
  /** A fault has it now, and no other may. */
  taken = false;
  /** How fast its clocks run, that of its timers too, from its next start on. Default: as time does. */
  clockRate: number | undefined;
  #process: TiedProcess | undefined;
  #joined = false;
  #frozen = false;

  constructor(parts: NodeParts) {
    this.parts = parts;
  }

  get name(): string {
    return this.parts.name;
  }
  get region(): string {
    return this.parts.region;
  }
  get running(): boolean {
    return this.#process?.running === true;
  }
  /** It runs, belongs to the cluster as far as it knows, and is not frozen. */
  get isUp(): boolean {
    return this.running && this.#joined && !this.#frozen;
  }
  get pid(): number | undefined {
    return this.running ? this.#process?.pid : undefined;
  }

  /** Resolves when it has joined. Rejects where it ends before, with how. */
  async start(): Promise<void> {
    const { name, region, dataDir, store, leaseMs, host, port, space, link, clock, bin, cwd } = this.parts;
    this.#joined = false;
    this.#frozen = false;
    const own = ["--name", name, "--region", region, "--data-dir", dataDir, "--lease", `${leaseMs}ms`];
    const place = [
      "--host",
      host,
      "--port",
      String(port),
      ...(link === undefined ? [] : ["--address", link.address]),
    ];
    const size = ["--threads", THREADS, "--memory", MEMORY, "--drain-timeout", DRAIN_TIMEOUT, "--json"];
    const said =
      this.clockRate === undefined
        ? // A clock of timers that jumps is not a fault of this world.
          [
            `FAKETIME_TIMESTAMP_FILE=${clock?.file}`,
            "FAKETIME_DONT_FAKE_MONOTONIC=1",
            "FAKETIME_CACHE_DURATION=1",
          ]
        : [`FAKETIME=+0 x${this.clockRate.toFixed(3)}`];
    const shifted = clock === undefined ? [] : ["env", `LD_PRELOAD=${clock.library}`, ...said];
    const started = await TiedProcess.start({
      command: [
        ...(space?.within ?? []),
        ...shifted,
        ...[process.execPath, bin, "node", "--store", store],
        ...[...own, ...place, ...size],
      ],
      cwd,
      env: this.parts.env,
      onOutput: (text) => {
        const line = JSON.parse(text) as NodeLine;
        if (line.event?.kind !== "progress") this.parts.onText(name, text);
        if (line.kind === "joined") this.#joined = true;
        this.parts.onLine(this, line);
      },
      onError: (text) => this.parts.onText(name, text),
    });
    this.#process = started;
    while (!this.#joined) {
      if (!started.running) throw new Error(`${name} ended with ${await started.ended} before it joined`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async kill(): Promise<void> {
    this.#joined = false;
    await this.#process?.kill();
  }
  freeze(): void {
    this.#frozen = true;
    this.#process?.signal("SIGSTOP");
  }
  thaw(): void {
    this.#process?.signal("SIGCONT");
    this.#frozen = false;
  }
  /** SIGTERM; resolves with the exit code when it has drained, or had its time for it. */
  async leave(): Promise<number> {
    this.#process?.signal("SIGTERM");
    const code = await this.#process?.ended;
    this.#joined = false;
    return code ?? 0;
  }

  /** Files of its blobs, by path, in order. What is being written is left out. */
  files(...under: readonly string[]): readonly string[] {
    try {
      return readdirSync(join(this.parts.dataDir, "blobs", ...under), {
        withFileTypes: true,
        recursive: true,
      })
        .filter((entry) => entry.isFile() && !entry.name.includes("~"))
        .map((entry) => join(entry.parentPath, entry.name))
        .sort();
    } catch (error) {
      // A directory that went while it was listed is as good as one that was not there.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}
