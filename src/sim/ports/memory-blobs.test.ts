import { blobStoreContract } from "../../ports/blob-store.contract.ts";
import { createMemoryBlobs } from "./memory-blobs.ts";

blobStoreContract("memory", async () => ({ blobs: createMemoryBlobs(), dispose: async () => {} }));
