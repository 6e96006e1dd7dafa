/** What each command's help says. */
import type { Job } from "../../api/job.ts";
import {
  CANCEL_OPTIONS,
  CERTS_OPTIONS,
  DEV_OPTIONS,
  DOCTOR_OPTIONS,
  DRAIN_OPTIONS,
  EXPLAIN_OPTIONS,
  INIT_OPTIONS,
  JOBS_OPTIONS,
  LOGS_OPTIONS,
  NODE_OPTIONS,
  NODES_OPTIONS,
  type OwnOption,
  RESUME_OPTIONS,
  RM_OPTIONS,
  RUN_OPTIONS,
} from "../input/options.ts";
import { escapeText } from "./escape.ts";
import { flagEntries, type HelpEntry, type HelpPage, optionEntries } from "./help.ts";

export const COMMANDS: readonly HelpEntry[] = [
  { term: "init [DIR]", text: "write a small project to begin with" },
  { term: "run FILE", text: "run the job that FILE defines; its params are flags" },
  { term: "explain FILE", text: "show the stages that the job's plan is cut into" },
  { term: "jobs", text: "list jobs, newest first" },
  { term: "job ID", text: "show one job; the beginning of its id is enough" },
  { term: "logs ID", text: "show what a job's tasks said, and what became of them" },
  { term: "resume ID", text: "go on with a job that failed or was stopped, without redoing what is done" },
  { term: "cancel ID", text: "stop a job that runs in another process, or on a cluster's nodes" },
  { term: "rm ID", text: "delete a job that is not running, and its data" },
  { term: "node --store STORE", text: "be a node of a cluster, until it is stopped" },
  { term: "nodes --store STORE", text: "list the nodes of a cluster" },
  { term: "drain NODE", text: "have a node take nothing new, and wait until nothing of it is needed" },
  { term: "certs NODE…", text: "make certificates for nodes, to try mutual TLS out" },
  { term: "doctor", text: "check this machine and, with --store, a cluster, and say what to do" },
  { term: "dev", text: "start a cluster on this machine, to try things out" },
  { term: "help [COMMAND]", text: "show this, or the help of a command" },
];

const EXIT_CODES =
  "Exit codes: 0 done, 1 the job failed, 2 the command was wrong, 130 stopped by Ctrl-C (143 by SIGTERM, 129 by SIGHUP).";

export const mainHelp = (version: string): HelpPage => ({
  usage: "bicoastal COMMAND [options]",
  about: `Bicoastal ${version} runs typed functions over data of any size, on every core of this machine.`,
  sections: [
    { title: "Commands", entries: COMMANDS },
    {
      title: "Options",
      entries: [
        { term: "--help", text: "show this help; after a command, the command's" },
        { term: "--version", text: "show the version" },
      ],
    },
  ],
  notes: [EXIT_CODES],
});

const options = (own: readonly OwnOption[]) => ({ title: "Options", entries: optionEntries(own) });

export const runHelp: HelpPage = {
  usage: "bicoastal run FILE [flags of the job] [options]",
  about:
    "Runs the job that FILE (TypeScript or JavaScript) defines, on every core. The job's params are flags: bicoastal run FILE --help lists them.",
  sections: [options(RUN_OPTIONS)],
  notes: [
    "With --json, stdout carries a line of JSON for each row. Where the job has several ends, each line names its own: " +
      '{"end":NAME,"row":…}, or "value" or "written" instead of "row".',
    EXIT_CODES,
  ],
};

export const explainHelp: HelpPage = {
  usage: "bicoastal explain FILE [flags of the job] [options]",
  about: "Shows the stages that the job's plan is cut into for these params, without running anything.",
  sections: [options(EXPLAIN_OPTIONS)],
};

/** The help of `run FILE` and `explain FILE`, once FILE is loaded. */
export const jobHelp = (command: string, file: string, job: Job, own: readonly OwnOption[]): HelpPage => ({
  usage: `bicoastal ${command} ${escapeText(file)} [flags] [options]`,
  about: `The job ${escapeText(job.name)}.`,
  sections: [{ title: `Flags of ${escapeText(job.name)}`, entries: flagEntries(job.params) }, options(own)],
});

export const resumeHelp: HelpPage = {
  usage: "bicoastal resume ID [options]",
  about:
    "Goes on with a job that failed, was stopped or was switched off. Completed tasks are not run again, and the result is the same as that of an undisturbed run.",
  sections: [options(RESUME_OPTIONS)],
  notes: [EXIT_CODES],
};

export const jobsHelp: HelpPage = {
  usage: "bicoastal jobs [options]",
  about: "Lists the jobs of the data directory, newest first.",
  sections: [options(JOBS_OPTIONS)],
};

export const jobHelpPage: HelpPage = {
  usage: "bicoastal job ID [options]",
  about: "Shows one job: its state, params, stages, counters, and what it failed of.",
  sections: [options(JOBS_OPTIONS)],
};

export const logsHelp: HelpPage = {
  usage: "bicoastal logs ID [options]",
  about:
    "Shows what a job's tasks said by ctx.log, what its attempts failed of, and what became of them; with --store, from every node that holds a part of it. Lines are in the order of the times that the nodes' clocks told, then of the nodes' names; those of one node always as it wrote them.",
  sections: [options(LOGS_OPTIONS)],
  notes: [
    "A node keeps the newest 8 MiB of a job, until the job is removed. What is missing, as a node is away or its first lines are gone, is said on stderr.",
  ],
};

export const cancelHelp: HelpPage = {
  usage: "bicoastal cancel ID [options]",
  about:
    "Stops a job cleanly, wherever it runs: in another process on this data directory or, with --store, on the nodes of a cluster. What is done stays done; bicoastal resume ID goes on with it.",
  sections: [options(CANCEL_OPTIONS)],
  notes: ["A job that has ended is left as it is."],
};

export const rmHelp: HelpPage = {
  usage: "bicoastal rm ID [options]",
  about: "Deletes a job that is not running, with its log and blocks. What it wrote for you stays.",
  sections: [options(RM_OPTIONS)],
};

export const nodeHelp: HelpPage = {
  usage: "bicoastal node --store STORE [options]",
  about:
    "Runs jobs that were given to the cluster of this store, together with its other nodes, until it is stopped (Ctrl-C, SIGTERM). Any node may be lost: the others go on.",
  sections: [options(NODE_OPTIONS)],
  notes: [
    "Beyond this machine's loopback, nodes must know each other: by the token in BICOASTAL_TOKEN, the same on each, or by certificates of one authority (--tls-ca, --tls-cert and --tls-key), or by both.",
  ],
};

export const nodesHelp: HelpPage = {
  usage: "bicoastal nodes --store STORE [options]",
  about: "Lists the nodes that belong to the cluster of this store now.",
  sections: [options(NODES_OPTIONS)],
};

export const drainHelp: HelpPage = {
  usage: "bicoastal drain NODE --store STORE [options]",
  about:
    "Has a node of the cluster take no new task, end those that it runs and hand over the jobs that it drives; then waits until no open job needs what lies on it, so that it can be stopped and nothing is made again. Ctrl-C ends the waiting, not the draining. A node that was drained stays in the cluster until it is stopped, and takes part again when it is started again.",
  sections: [options(DRAIN_OPTIONS)],
};

export const doctorHelp: HelpPage = {
  usage: "bicoastal doctor [options]",
  about:
    "Checks Node, the data directory and its disk; with --store also the store, its members and their versions, what nodes know each other by, and each node: whether it can be reached from here, and its version and clock. Each line is ok, warn or fail, with what to do about it.",
  sections: [options(DOCTOR_OPTIONS)],
  notes: ["Exit codes: 0 nothing failed, 1 something did."],
};

export const certsHelp: HelpPage = {
  usage: "bicoastal certs NODE[=HOST,HOST…]… [options]",
  about:
    "Makes a private authority and, for each node named, a certificate for its name, its hosts and this machine's loopback, for trying out mutual TLS. The authority that is there already signs those that are made later. Whoever has ca.key can make more: where it matters, have your own authority sign them.",
  sections: [options(CERTS_OPTIONS)],
  notes: ["Clients need one as well: bicoastal certs east-1=10.0.0.1 west-1=10.1.0.1 client"],
};

export const devHelp: HelpPage = {
  usage: "bicoastal dev [options]",
  about:
    "Starts a cluster on this machine: some nodes, each a process, and their store, which is etcd where that is installed and else a directory. All of it ends with this command, and what it has stored is there again the next time.",
  sections: [options(DEV_OPTIONS)],
  notes: ["Nodes may be killed by their process ids, to see what becomes of a job then: the others go on."],
};

export const initHelp: HelpPage = {
  usage: "bicoastal init [DIR]",
  about:
    "Writes a small project into DIR (default: here): a job, its test, sample data, a tsconfig. Overwrites nothing.",
  sections: [options(INIT_OPTIONS)],
};
