// Runs one program once, in a process of its own: seconds from start to end, the CPU's seconds, and the most memory
// that it and all its children held at one time.
//
// Memory comes from /proc: what is resident, summed over the process's tree, looked at every few ms, and for each
// process the highest it ever was. Pages that processes share are counted in each of them. Where there is no /proc, or
// a process is too short-lived to be looked at, GNU time says the highest of any one process; without either, there
// is no figure.
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../scripts/tools.mjs";

/**
 * @typedef {object} Measured
 * @property {number} seconds
 * @property {number | undefined} cpuSeconds User and system, of it and of its children.
 * @property {number | undefined} peakMb 10^6 bytes.
 * @property {string} output stdout
 */

const sampleMs = 40;
/** Looking for new children costs more than looking at those known. */
const samplesPerTree = 5;
const outputCharactersMax = 2 ** 28;
const stderrCharactersMax = 4000;

const timeProgram = "/usr/bin/time";
const hasTime = spawnSync(timeProgram, ["-f", "%M", "true"]).status === 0;

/** @param {number} pid */
function memoryOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const kib = (/** @type {RegExp} */ field) => Number(field.exec(status)?.[1] ?? 0);
    return { now: kib(/VmRSS:\s+(\d+)/), highest: kib(/VmHWM:\s+(\d+)/) };
  } catch {
    return undefined;
  }
}

/** Ticks of a second in which /proc counts. */
const ticksPerSecond = 100;

/**
 * Adds the children of known processes, and notes what CPU each has used. Those that left the tree (daemons) stay
 * known.
 * @param {Set<number>} known @param {Map<number, number>} cpuTicks
 */
function growTree(known, cpuTicks) {
  /** @type {[number, number][]} */
  const pairs = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      // The second field is a name in parentheses, which may hold anything.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      pairs.push([Number(name), Number(fields[1])]);
      cpuTicks.set(Number(name), Number(fields[11]) + Number(fields[12]));
    } catch {
      // Ended meanwhile.
    }
  }
  for (let size = -1; size !== known.size; ) {
    size = known.size;
    for (const [pid, parent] of pairs) if (known.has(parent)) known.add(pid);
  }
}

/** A process and its children, while they run. */
class Tree {
  /** Those that run. */
  #known;
  /** Those that ran, too. */
  #seen;
  /** Of all processes there are. @type {Map<number, number>} */
  #cpuTicks = new Map();
  #peakKib = 0;
  #samples = 0;
  #timer = setInterval(() => this.#look(), sampleMs);

  /** @param {number} pid */
  constructor(pid) {
    this.#known = new Set([pid]);
    this.#seen = new Set([pid]);
  }

  #look() {
    try {
      if (this.#samples++ % samplesPerTree === 0) growTree(this.#known, this.#cpuTicks);
    } catch {
      // There is no /proc.
      return;
    }
    let sum = 0;
    for (const pid of this.#known) {
      this.#seen.add(pid);
      const memory = memoryOf(pid);
      if (memory === undefined) this.#known.delete(pid);
      else {
        sum += memory.now;
        this.#peakKib = Math.max(this.#peakKib, memory.highest);
      }
    }
    this.#peakKib = Math.max(this.#peakKib, sum);
  }

  /** Ends what still runs: the processes themselves, and daemons that they left. */
  kill() {
    this.#look();
    for (const pid of this.#known) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // Ended by itself.
      }
    }
  }

  /** The peak of all together, and the CPU of those that were seen, also where nobody waited for them. */
  stop() {
    clearInterval(this.#timer);
    const ticks = [...this.#seen].reduce((sum, pid) => sum + (this.#cpuTicks.get(pid) ?? 0), 0);
    return { kib: this.#peakKib, cpuSeconds: ticks / ticksPerSecond };
  }
}

/** What runs now. @type {Tree | undefined} */
let running;

/** Ends what is being measured, if anything: it has a group of its own, and does not end with us by itself. */
export const endRunning = () => running?.kill();

/** What GNU time wrote, the last line: seconds of user and system, KiB. @param {string} path */
function readTimes(path) {
  try {
    const [user, system, kib] = (readFileSync(path, "utf8").trim().split("\n").at(-1) ?? "")
      .split(" ")
      .map(Number);
    if (user === undefined || system === undefined || kib === undefined) return undefined;
    return { cpuSeconds: user + system, kib };
  } catch {
    return undefined;
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * @param {readonly string[]} command
 * @param {{ env: Record<string, string>, secondsMax: number }} options
 * @returns {Promise<Measured>} Rejects where the program fails, or takes longer.
 */
export function measure(command, { env, secondsMax }) {
  const times = join(tmpdir(), `bicoastal-bench-${process.pid}.times`);
  const whole = hasTime ? [timeProgram, "-o", times, "-f", "%U %S %M", ...command] : [...command];
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    const child = spawn(whole[0] ?? "", whole.slice(1), {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that Ctrl-C reaches us first, who know its children.
      detached: true,
    });
    const tree = child.pid === undefined ? undefined : new Tree(child.pid);
    running = tree;
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      tree?.kill();
    }, secondsMax * 1000);
    const ended = () => {
      clearTimeout(timer);
      running = undefined;
      tree?.kill();
      return tree?.stop();
    };
    let output = "";
    let errors = "";
    let seconds = 0;
    child.stdout.setEncoding("utf8").on("data", (text) => {
      if (output.length < outputCharactersMax) output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      errors = (errors + text).slice(-stderrCharactersMax);
    });
    child.on("error", (error) => {
      ended();
      reject(error);
    });
    child.on("exit", () => {
      seconds = (performance.now() - startMs) / 1000;
    });
    child.on("close", (code, signal) => {
      const watched = ended();
      const timed = readTimes(times);
      if (timedOut) return reject(new Error(`took longer than ${secondsMax} s`));
      if (code !== 0) return reject(new Error(`ended with ${signal ?? `exit code ${code}`}:\n${errors}`));
      const kib = Math.max(watched?.kib ?? 0, timed?.kib ?? 0);
      const cpuSeconds = Math.max(watched?.cpuSeconds ?? 0, timed?.cpuSeconds ?? 0);
      resolve({
        seconds,
        cpuSeconds: cpuSeconds === 0 ? undefined : cpuSeconds,
        peakMb: kib === 0 ? undefined : (kib * 1024) / 1e6,
        output,
      });
    });
  });
}
