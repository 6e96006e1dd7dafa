import { inputsContract } from "../../ports/inputs.contract.ts";
import { MemoryInputs } from "./memory-inputs.ts";

inputsContract("memory", () => {
  const inputs = new MemoryInputs();
  const at = (name: string) => `/data/${name}`;
  return {
    inputs,
    directory: "/data",
    write: (name, content) => inputs.write(at(name), content),
    remove: (name) => inputs.remove(at(name)),
    dispose: () => {},
  };
});
