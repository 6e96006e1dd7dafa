/** What a worker thread starts with: all that it does is loaded from here, compiled before where Node keeps that. */
import { keepCompiledCode } from "./adapters/machine/compile-cache.ts";

keepCompiledCode();
const { serveThread } = await import("./task-thread.ts");
serveThread();
