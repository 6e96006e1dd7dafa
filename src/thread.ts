/** What a worker thread starts with: all that it does is loaded from here, compiled before where that is kept. */
import { fileURLToPath } from "node:url";
import { loadCode } from "./adapters/machine/compiled-code.ts";

const { exports, keep } = loadCode(fileURLToPath(new URL("./task-thread.cjs", import.meta.url)), "tasks");
const { serveThread } = exports as typeof import("./task-thread.ts");
serveThread((url) => import(url), keep);
