import type { Plugin } from "esbuild";

/** What a task's process holds under `globalThis[Symbol.for(API_SYMBOL)]`: the exports of the API. */
export const API_SYMBOL = "bicoastal.api";

/** The injected file's name: no user writes it by chance. */
export const PATHS_MODULE = "bicoastal-module-paths";

const API_NAMESPACE = "bicoastal-api";
const PATHS_NAMESPACE = "bicoastal-paths";

/** How esbuild's metafile names the modules made here. */
export const VIRTUAL_INPUT = new RegExp(`^(${API_NAMESPACE}|${PATHS_NAMESPACE}):`);

/**
 * `import … from "bicoastal"` takes the API from the process that loads the bundle. So a bundle and its hash do not
 * depend on where or in which version Bicoastal is installed, and there is one copy of the API in a process.
 *
 * The second module stands in for `__filename` and `__dirname` of CommonJS dependencies: they name the bundle,
 * since the dependency's own directory may not exist where the task runs. esbuild takes it only where they are used.
 */
export function virtualModules(apiNames: readonly string[]): Plugin {
  return {
    name: "bicoastal",
    setup(build) {
      build.onResolve({ filter: /^bicoastal$/ }, () => ({
        path: "bicoastal",
        namespace: API_NAMESPACE,
        sideEffects: false,
      }));
      build.onResolve({ filter: /^bicoastal\// }, ({ path }) => ({
        errors: [{ text: `"${path}" is not there to import: everything is exported by "bicoastal"` }],
      }));
      build.onResolve({ filter: new RegExp(`^${PATHS_MODULE}$`) }, ({ path }) => ({
        path,
        namespace: PATHS_NAMESPACE,
        sideEffects: false,
      }));
      build.onLoad({ filter: /.*/, namespace: API_NAMESPACE }, () => ({ contents: apiModule(apiNames) }));
      build.onLoad({ filter: /.*/, namespace: PATHS_NAMESPACE }, () => ({ contents: PATHS_SOURCE }));
    },
  };
}

function apiModule(names: readonly string[]): string {
  const exports = [...names].sort().map((name) => `export const ${name} = /* @__PURE__ */ take("${name}");`);
  return [
    `const api = globalThis[Symbol.for("${API_SYMBOL}")];`,
    `function take(name) {`,
    `  if (api === undefined) throw new Error("This bundle is loaded by Bicoastal, not run by itself.");`,
    `  return api[name];`,
    `}`,
    ...exports,
  ].join("\n");
}

const PATHS_SOURCE = `
import { fileURLToPath } from "node:url";
import { dirname } from "node:path";
export const __filename = /* @__PURE__ */ fileURLToPath(import.meta.url);
export const __dirname = /* @__PURE__ */ dirname(__filename);
`;
