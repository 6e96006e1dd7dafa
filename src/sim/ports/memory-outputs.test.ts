import { outputsContract } from "../../ports/outputs.contract.ts";
import { MemoryOutputs } from "./memory-outputs.ts";

outputsContract("memory", async () => {
  const outputs = new MemoryOutputs();
  const root = "/results";
  return {
    outputs,
    root,
    async read(directory) {
      const files = outputs.directories.get(directory)?.files;
      if (files === undefined) return undefined;
      return Object.fromEntries([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));
    },
    async namesInRoot() {
      const names = [...outputs.directories.keys()].map((path) => path.slice(root.length + 1).split("/")[0]!);
      return [...new Set([...names, ...outputs.staging.map((key) => `.${key}`)])].sort();
    },
    async makeForeign(directory, files) {
      const contents = Object.entries(files).map(([name, text]) => [name, Buffer.from(text)]);
      outputs.makeForeign(directory, Object.fromEntries(contents));
    },
    async dispose() {},
  };
});
