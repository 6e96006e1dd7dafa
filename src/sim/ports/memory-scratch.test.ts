import { scratchContract } from "../../ports/scratch.contract.ts";
import { createMemoryScratch } from "./memory-scratch.ts";

scratchContract("memory", () => {
  const scratch = createMemoryScratch();
  return { scratch, filesLeft: () => scratch.filesOpen };
});
