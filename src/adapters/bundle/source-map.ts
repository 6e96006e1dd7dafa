import { pathToFileURL } from "node:url";

interface SourceMap {
  sources: string[];
  sourcesContent?: (string | null)[];
}

const INLINE = "//# sourceMappingURL=data:application/json;base64,";

/**
 * Appends the map to the code. The text of installed packages is left out: it is most of the size, and nobody
 * debugs it through a bundle.
 */
export function withInlineMap(code: string, mapJson: string): string {
  const map = JSON.parse(mapJson) as SourceMap;
  map.sourcesContent = (map.sourcesContent ?? []).map((text, i) =>
    map.sources[i]?.includes("node_modules/") ? null : text,
  );
  return `${code}${INLINE}${encode(map)}\n`;
}

/**
 * The same code with its sources as URLs of files below `root`, so that stacks and debuggers show the user's own
 * files on the machine that has them. The bundle as it is stored names them relative to the project: its hash must
 * not depend on where the project lies. Code whose map cannot be read is left as it is: it runs without one.
 */
export function withSourceRoot(code: string, root: string): string {
  const at = code.lastIndexOf(INLINE);
  if (at < 0) return code;
  const base = `${pathToFileURL(root).href}/`;
  try {
    const map = JSON.parse(
      Buffer.from(code.slice(at + INLINE.length), "base64").toString("utf8"),
    ) as SourceMap;
    map.sources = map.sources.map((source) =>
      /^[a-z-]+:/.test(source) ? source : new URL(source, base).href,
    );
    return `${code.slice(0, at)}${INLINE}${encode(map)}\n`;
  } catch {
    return code;
  }
}

const encode = (map: SourceMap): string => Buffer.from(JSON.stringify(map)).toString("base64");
