// etcd for the tests that need a real one: installed where that is nobody's machine but the tests', else asked for.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const INSTALL_MS_MAX = 180_000;
const howTo =
  "install etcd and put it on the PATH (Debian and Ubuntu: apt-get install etcd-server; macOS: brew install etcd)";

const isThere = () => spawnSync("etcd", ["--version"]).status === 0;

/**
 * On Debian as root, and where no service manager would start etcd for good: in containers and build machines.
 */
export const mayInstall = () =>
  process.platform === "linux" &&
  process.getuid?.() === 0 &&
  existsSync("/usr/bin/apt-get") &&
  !existsSync("/run/systemd/system");

/** @param {string[]} args */
function apt(...args) {
  const { status } = spawnSync("/usr/bin/apt-get", args, {
    // The run level has Debian's scripts start no service.
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    timeout: INSTALL_MS_MAX,
  });
  return status === 0;
}

/**
 * Installs packages of Debian, with fresh lists where the first try fails.
 * @param {string[]} packages
 */
export function aptInstall(...packages) {
  const install = () => apt("install", "-y", "-qq", "--no-install-recommends", ...packages);
  if (!install() && apt("update", "-qq")) install();
}

/**
 * Sees to it that etcd is there, where that may be done.
 * @returns {string | undefined} What to do where it is not there; undefined where it is.
 */
export function ensureEtcd() {
  if (isThere()) return undefined;
  if (!mayInstall()) return howTo;
  console.log("Installing etcd-server with apt-get, for the tests that need a real etcd …");
  aptInstall("etcd-server");
  return isThere() ? undefined : `apt-get could not install it: ${howTo}`;
}
