/** Processes that end with the test process, however that ends. */
export { TiedProcess } from "../scripts/tied-process.mjs";
