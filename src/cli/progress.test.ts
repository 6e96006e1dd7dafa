import { expect, test } from "vitest";
import { jobId, stageId } from "../base/ids.ts";
import type { Progress, RunEvent } from "../runtime/events.ts";
import { FakeIo } from "./fake-io.ts";
import { FRAME_INTERVAL_MS, MESSAGES_SHOWN_MAX, PLAIN_INTERVAL_MS, progressDisplay } from "./progress.ts";
import { progressFrame, progressLine } from "./show/progress-text.ts";
import { displayWidth } from "./show/width.ts";

const PROGRESS: Progress = {
  tasksDone: 12,
  tasksRunning: 2,
  tasksTotal: 40,
  stage: "read.lines → flatMap → shuffle (countBy)",
  rows: 1234567,
  bytes: 34_000_000,
  bytesTotal: 110_000_000,
  elapsedMs: 2_800,
  rowsPerSecond: 441_000,
  bytesPerSecond: 12_100_000,
  etaMs: 6_300,
};
const progress = (changes: Partial<Progress> = {}): RunEvent => ({
  kind: "progress",
  progress: { ...PROGRESS, ...changes },
});
const STARTED: RunEvent = {
  kind: "started",
  job: jobId("wordcount-x1"),
  stages: [
    { id: stageId(0), label: "a", tasks: 39 },
    { id: stageId(1), label: "b", tasks: 1 },
  ],
  tasksResumed: 0,
};

/** The screen after these bytes: enough of a terminal for what the display uses. */
function screenOf(text: string): { readonly lines: string[]; readonly cursorHidden: boolean } {
  const lines = [""];
  let row = 0;
  let cursorHidden = false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminals speak in them
  for (const part of text.match(/\u001b\[\??\d*[A-Za-z]|[\r\n]|[^\u001b\r\n]+/g) ?? []) {
    if (part === "\n") {
      row++;
      if (row === lines.length) lines.push("");
    } else if (part.endsWith("?25l")) cursorHidden = true;
    else if (part.endsWith("?25h")) cursorHidden = false;
    else if (part.startsWith("\u001b[") && part.endsWith("A")) row -= Number(part.slice(2, -1));
    else if (part === "\u001b[J") {
      lines.length = row + 1;
      lines[row] = "";
    } else if (part !== "\r") lines[row] += part;
  }
  return { lines, cursorHidden };
}

test("a frame at several widths", () => {
  const frames = [100, 70, 50, 20].map((columns) =>
    progressFrame(PROGRESS, { columns, tick: 3, stopping: false }).join("\n"),
  );
  expect(`\n${frames.join("\n--\n")}\n`).toMatchInlineSnapshot(`
    "
    ⠸ 12/40 tasks  ██████░░░░░░░░░░░░░░  30%  read.lines → flatMap → shuffle (countBy)
      1,234,567 rows  34 MB of 110 MB  12 MB/s  ETA 6.3 s
    --
    ⠸ 12/40 tasks  ██████░░░░░░░░░░░░░░  30%  read.lines → flatMap → shu…
      1,234,567 rows  34 MB of 110 MB  12 MB/s  ETA 6.3 s
    --
    ⠸ 12/40 tasks  read.lines → flatMap → shuffle (c…
      1,234,567 rows  34 MB of 110 MB  12 MB/s
    --
    ⠸ 12/40 tasks
      1,234,567 rows
    "
  `);
});

test("no frame is as wide as the terminal", () => {
  const stage = "日本語 ".repeat(30);
  for (let columns = 1; columns <= 200; columns++) {
    for (const line of progressFrame({ ...PROGRESS, stage }, { columns, tick: columns, stopping: false })) {
      expect(displayWidth(line)).toBeLessThan(Math.max(2, columns));
    }
  }
});

test("a frame of a job without bytes, without tasks, and while it stops", () => {
  const lines = [
    progressFrame(
      { ...PROGRESS, bytesTotal: 0, bytesPerSecond: 0, etaMs: undefined },
      { columns: 90, tick: 0, stopping: true },
    ),
    progressFrame(
      { ...PROGRESS, tasksDone: 0, tasksTotal: 0, rows: 0 },
      { columns: 90, tick: 1, stopping: false },
    ),
    progressFrame(
      { ...PROGRESS, stage: "a\u001b[2Jb", tasksDone: 40 },
      { columns: 90, tick: 2, stopping: false },
    ),
  ];
  expect(`\n${lines.flat().join("\n")}\n`).toMatchInlineSnapshot(`
    "
    ⠋ 12/40 tasks  ██████░░░░░░░░░░░░░░  30%  stopping…
      1,234,567 rows  441 k rows/s
    ⠙ 0/0 tasks  ░░░░░░░░░░░░░░░░░░░░   0%  read.lines → flatMap → shuffle (countBy)
      0 rows  34 MB of 110 MB  12 MB/s  ETA 6.3 s
    ⠹ 40/40 tasks  ████████████████████ 100%  a\\x1b[2Jb
      1,234,567 rows  34 MB of 110 MB  12 MB/s  ETA 6.3 s
    "
  `);
});

test("a terminal shows one frame at a time, messages above it, and nothing of it at the end", () => {
  const io = new FakeIo().terminal(80);
  const display = progressDisplay(io, { quiet: false });
  display.onEvent(STARTED);
  display.onEvent(progress());
  io.clock.advance(FRAME_INTERVAL_MS);
  expect(screenOf(io.stderr.text)).toMatchInlineSnapshot(`
    {
      "cursorHidden": true,
      "lines": [
        "job wordcount-x1: 2 stages, 40 tasks",
        "⠙ 12/40 tasks  ██████░░░░░░░░░░░░░░  30%  read.lines → flatMap → shuffle (coun…",
        "  1,234,567 rows  34 MB of 110 MB  12 MB/s  ETA 6.3 s",
      ],
    }
  `);
  io.clock.advance(FRAME_INTERVAL_MS * 50);
  display.onEvent({
    kind: "log",
    stage: stageId(0),
    partition: 3,
    message: "hello\u0007",
    fields: '{"n":1}',
  });
  display.onEvent(progress({ tasksDone: 40, stage: "b" }));
  io.clock.advance(FRAME_INTERVAL_MS);
  expect(screenOf(io.stderr.text)).toMatchInlineSnapshot(`
    {
      "cursorHidden": true,
      "lines": [
        "job wordcount-x1: 2 stages, 40 tasks",
        "[s0.p3] hello\\x07 {"n":1}",
        "⠹ 40/40 tasks  ████████████████████ 100%  b",
        "  1,234,567 rows  34 MB of 110 MB  12 MB/s  ETA 6.3 s",
      ],
    }
  `);
  display.close();
  expect(screenOf(io.stderr.text)).toEqual({
    lines: ["job wordcount-x1: 2 stages, 40 tasks", '[s0.p3] hello\\x07 {"n":1}', ""],
    cursorHidden: false,
  });
  expect(io.clock.timers).toBe(0);
  expect(io.exitListeners.size).toBe(0);
});

test("the cursor comes back when the process ends in the middle of a frame", () => {
  const io = new FakeIo().terminal(80);
  const display = progressDisplay(io, { quiet: false });
  display.onEvent(progress());
  io.clock.advance(FRAME_INTERVAL_MS);
  expect(screenOf(io.stderr.text).cursorHidden).toBe(true);
  io.exit(130);
  expect(screenOf(io.stderr.text).cursorHidden).toBe(false);
});

test("without a terminal there is a line at each change of stage and after each long silence", () => {
  const io = new FakeIo();
  const display = progressDisplay(io, { quiet: false });
  display.onEvent(STARTED);
  for (let second = 0; second < 25; second++) {
    display.onEvent(progress({ elapsedMs: second * 1000, stage: second < 23 ? "first" : "second" }));
    io.clock.advance(1000);
  }
  display.close();
  expect(PLAIN_INTERVAL_MS).toBe(10_000);
  expect(`\n${io.stderr.text}`).toMatchInlineSnapshot(`
    "
    job wordcount-x1: 2 stages, 40 tasks
    [0.00 s] first: 12 of 40 tasks, 1,234,567 rows, 34 MB of 110 MB, 12 MB/s, ETA 6.3 s
    [10 s] first: 12 of 40 tasks, 1,234,567 rows, 34 MB of 110 MB, 12 MB/s, ETA 6.3 s
    [20 s] first: 12 of 40 tasks, 1,234,567 rows, 34 MB of 110 MB, 12 MB/s, ETA 6.3 s
    [23 s] second: 12 of 40 tasks, 1,234,567 rows, 34 MB of 110 MB, 12 MB/s, ETA 6.3 s
    "
  `);
});

test("failed tries and lost outputs are told in words", () => {
  const io = new FakeIo();
  const display = progressDisplay(io, { quiet: false });
  const error = { code: "USER_FUNCTION", message: "Error: no\nway", retryable: true, details: {} } as const;
  const failed = {
    kind: "taskFailed",
    stage: stageId(1),
    partition: 7,
    tries: 1,
    triesMax: 3,
    error,
  } as const;
  display.onEvent({ ...failed, retryInMs: 500 });
  display.onEvent({ ...failed, tries: 3, retryInMs: undefined });
  display.onEvent({ kind: "outputLost", stage: stageId(0), partition: 2 });
  display.onEvent({ kind: "stopping", reason: "Ctrl-C" });
  display.onEvent({ ...STARTED, tasksResumed: 1 });
  expect(`\n${io.stderr.text}`).toMatchInlineSnapshot(`
    "
    warning stage 1 task 7 failed (try 1 of 3, trying again in 0.50 s): Error: no way
    warning stage 1 task 7 failed (try 3 of 3, giving up): Error: no way
    warning the output of stage 0 task 2 was lost and is made again
    stopping: Ctrl-C
    job wordcount-x1: 2 stages, 40 tasks, 1 task done before
    "
  `);
});

test("messages without end are counted from some point on", () => {
  const io = new FakeIo();
  const display = progressDisplay(io, { quiet: false });
  for (let index = 0; index < MESSAGES_SHOWN_MAX + 5; index++) {
    display.onEvent({
      kind: "log",
      stage: stageId(0),
      partition: 0,
      message: `line ${index}`,
      fields: undefined,
    });
  }
  display.close();
  const lines = io.stderr.text.trimEnd().split("\n");
  expect(lines.length).toBe(MESSAGES_SHOWN_MAX + 1);
  expect(lines.at(-1)).toBe("… and 5 messages more");
});

test("quiet shows nothing of its own", () => {
  for (const io of [new FakeIo(), new FakeIo().terminal(80)]) {
    const display = progressDisplay(io, { quiet: true });
    display.onEvent(STARTED);
    display.onEvent(progress());
    io.clock.advance(60_000);
    display.close();
    expect(io.stderr.text).toBe("");
  }
});

test("a plain line says everything", () => {
  expect(progressLine(PROGRESS)).toMatchInlineSnapshot(
    `"[2.8 s] read.lines → flatMap → shuffle (countBy): 12 of 40 tasks, 1,234,567 rows, 34 MB of 110 MB, 12 MB/s, ETA 6.3 s"`,
  );
});
