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

/**
 * @param {number} pid
 * @returns {() => { kib: number, cpuSeconds: number }} Stops, and says the peak, and the CPU of processes that were
 *   seen, those too that nobody waited for.
 */
function watchTree(pid) {
  const known = new Set([pid]);
  const seen = new Set([pid]);
  /** Of all processes there are. @type {Map<number, number>} */
  const cpuTicks = new Map();
  let peak = 0;
  let samples = 0;
  const timer = setInterval(() => {
    try {
      if (samples++ % samplesPerTree === 0) growTree(known, cpuTicks);
    } catch {
      return;
    }
    let sum = 0;
    for (const each of known) {
      seen.add(each);
      const memory = memoryOf(each);
      if (memory === undefined) known.delete(each);
      else {
        sum += memory.now;
        peak = Math.max(peak, memory.highest);
      }
    }
    peak = Math.max(peak, sum);
  }, sampleMs);
  return () => {
    clearInterval(timer);
    const ticks = [...seen].reduce((sum, each) => sum + (cpuTicks.get(each) ?? 0), 0);
    return { kib: peak, cpuSeconds: ticks / ticksPerSecond };
  };
}

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
      // A group of its own, so that one that takes too long ends with its children.
      detached: true,
    });
    const stopWatching = child.pid === undefined ? () => undefined : watchTree(child.pid);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, secondsMax * 1000);
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
      clearTimeout(timer);
      stopWatching();
      reject(error);
    });
    child.on("exit", () => {
      seconds = (performance.now() - startMs) / 1000;
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const watched = stopWatching();
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
