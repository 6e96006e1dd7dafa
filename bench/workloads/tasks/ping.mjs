// Prints the seconds that a message to a thread and back takes, where 64 are under way.
import { isMainThread, parentPort, Worker } from "node:worker_threads";

const underWay = 64;

if (isMainThread) {
  const messages = Number(process.argv[2]);
  const worker = new Worker(new URL(import.meta.url));
  let sent = 0;
  let received = 0;
  let startMs = 0;
  worker.on("message", () => {
    // The first tells that the thread is there.
    if (startMs === 0) {
      startMs = performance.now();
      for (; sent < Math.min(underWay, messages); sent++) worker.postMessage(sent);
      return;
    }
    received++;
    if (sent < messages) worker.postMessage(sent++);
    if (received < messages) return;
    console.log(JSON.stringify({ seconds: (performance.now() - startMs) / 1000 / messages }));
    worker.terminate();
  });
} else {
  parentPort?.postMessage("ready");
  parentPort?.on("message", (message) => parentPort?.postMessage(message));
}
