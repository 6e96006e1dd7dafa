// Synthetic web server logs in the combined format. No real log is shipped, because real ones are about people:
// addresses are from the ranges reserved for documentation.
import { randomSource } from "./random.mjs";

const pages =
  `/ /about /pricing /docs /docs/install /docs/guide /docs/api /blog /blog/first-release /search /login
  /account /cart /checkout /assets/app.js /assets/app.css /assets/logo.svg /api/items /api/items/17 /api/orders
  /favicon.ico /robots.txt`.split(/\s+/);
const agents = [
  "Mozilla/5.0 (X11; Linux x86_64)",
  "Mozilla/5.0 (Macintosh)",
  "curl/7.88.1",
  "ExampleBot/1.0",
];
const networks = ["192.0.2", "198.51.100", "203.0.113"];

/**
 * One day of requests, in order of time. Pages and clients are far from evenly spread, as in real logs: a few
 * get most of the traffic.
 * @param {{ seed: number, day: string, lines: number }} options `day` as in the log: `01/Mar/2026`.
 */
export function accessLog({ seed, day, lines }) {
  const random = randomSource(seed);
  /** The smallest of three draws: low indexes come up most. @param {number} bound */
  const skewed = (bound) => Math.min(random(bound), random(bound), random(bound));
  const seconds = Array.from({ length: lines }, () => random(86_400)).sort((a, b) => a - b);
  return seconds.map((second) => `${request(second)}\n`).join("");

  /** @param {number} second Of the day. */
  function request(second) {
    const client = `${networks[skewed(networks.length)]}.${1 + skewed(250)}`;
    const path = pages[skewed(pages.length)] ?? "/";
    const method = path.startsWith("/api") && random(3) === 0 ? "POST" : "GET";
    const status = statusOf(path);
    const bytes = status === 304 ? "-" : String(200 + skewed(40_000));
    const time = [second / 3600, (second / 60) % 60, second % 60]
      .map((part) => String(Math.floor(part)).padStart(2, "0"))
      .join(":");
    const agent = agents[skewed(agents.length)];
    return `${client} - - [${day}:${time} +0000] "${method} ${path} HTTP/1.1" ${status} ${bytes} "-" "${agent}"`;
  }

  /** @param {string} path */
  function statusOf(path) {
    const draw = random(1000);
    if (path.startsWith("/api") && draw < 25) return 503;
    if (draw < 12) return 500;
    if (draw < 60) return 404;
    return draw < 160 && path.startsWith("/assets") ? 304 : 200;
  }
}
