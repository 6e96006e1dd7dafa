/** Runs the built command as users do: another process, its streams, its exit code. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { root } from "./house/project-files.ts";

export const binPath = join(root, "dist", "bin.js");

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory that is gone when the test ends. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "bicoastal-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** `bicoastal …args`, in the project's directory unless told otherwise, with a data directory of the test's own. */
export async function bicoastal(args: readonly string[], options: { cwd?: string } = {}): Promise<CliResult> {
  if (!existsSync(binPath)) throw new Error("dist/bin.js is not there: run `npm run build` first.");
  return runNode([binPath, ...args], {
    cwd: options.cwd ?? root,
    env: { BICOASTAL_DATA_DIR: join(temporaryDirectory(), "jobs") },
  });
}

/** This Node with these arguments. */
export function runNode(
  args: readonly string[],
  options: { cwd: string; env?: Readonly<Record<string, string>> },
): Promise<CliResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: options.cwd,
      env: { ...process.env, NO_COLOR: "1", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The rows of `--json` output. Fails, with what the command said, where it did not succeed. */
export function jsonLines(result: CliResult): unknown[] {
  if (result.code !== 0) throw new Error(`exit code ${result.code}\n${result.stderr}\n${result.stdout}`);
  return result.stdout
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown);
}

/** The rows and values of a job with several ends, by the ends' names. */
export function endsOf(result: CliResult): Record<string, unknown> {
  const ends: Record<string, unknown> = {};
  for (const line of jsonLines(result) as {
    end: string;
    row?: unknown;
    value?: unknown;
    written?: unknown;
  }[]) {
    if ("row" in line) {
      const rows = (ends[line.end] as unknown[] | undefined) ?? [];
      ends[line.end] = rows;
      rows.push(line.row);
    } else ends[line.end] = line.value ?? line.written;
  }
  return ends;
}
