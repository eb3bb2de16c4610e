import type { Command } from "commander";
import type { AuditConfig } from "../config/audit-config.js";
import type { TrailReport } from "../app/audit-report.js";
import { addOutputOptions, type CommandContext, type OutputOptions, withInherited } from "./command-context.js";
import { exitCodes } from "./exit-codes.js";
import { addWhoReadCommand } from "./who-read-command.js";
import { UsageError } from "./usage-error.js";

interface VerifyOptions extends OutputOptions {
  readonly config?: string;
  readonly file?: string;
  readonly publicKey?: string;
  readonly head?: string;
  readonly from?: Date;
  readonly complete?: boolean;
}

interface KeyOptions extends OutputOptions {
  readonly config: string;
}

/** Declares `audit verify`, `audit who-read` and `audit public-key`. */
export function addAuditCommand(program: Command, context: CommandContext): void {
  const audit = program.command("audit").description("look into audit records, also while a broker writes them");
  const verify = audit
    .command("verify")
    .description("check that audit records are as they were written; exits with 1 when they are not")
    .option("--config <file>", "the config.yaml whose records and key are meant")
    .option("--file <file>", "a file of records, and those that were put aside beside it")
    .option("--public-key <file>", "the public key, or the private one; required with --file")
    .option("--head <file>", "what the broker keeps of how far the file is signed; with --file, to miss a lost end")
    .option("--from <time>", "leave out files that end before, such as 2030-01-31T12:00:00Z", parseTime)
    .option("--complete", "do not let anything be missing that comes before the first record there is")
    .action((own: VerifyOptions, self: Command) => verifyAudit(context, withInherited(own, self)));
  addOutputOptions(verify);
  addWhoReadCommand(audit, context);
  const publicKey = audit
    .command("public-key")
    .description("print the public key that verifies the records")
    .requiredOption("--config <file>", "the config.yaml")
    .action((own: KeyOptions, self: Command) => printPublicKey(context, withInherited(own, self)));
  addOutputOptions(publicKey);
}

async function verifyAudit(context: CommandContext, options: VerifyOptions): Promise<void> {
  const { reportTrails } = await import("../app/audit-report.js");
  const { keyPath, sinks } = await trailOf(options);
  const trails = await reportTrails({ sinks }, { keyPath, from: options.from });
  const isComplete = options.complete !== true || trails.every((trail) => incompleteness(trail) === undefined);
  const isHeadWrong = options.head !== undefined && trails.some(({ headMissing }) => headMissing);
  if (!isComplete || isHeadWrong || trails.some(({ faults }) => faults.length > 0)) context.exitCode = exitCodes.failed;
  const { output } = context;
  if (options.json) {
    await output.document({ trails });
    return;
  }
  for (const trail of trails) {
    await printTrail(context, trail, options);
    const missing = options.complete === true ? incompleteness(trail) : undefined;
    if (missing !== undefined) await output.line(`${trail.trail}: NOT complete: ${missing}`);
  }
}

const noHead = "its head is not there, or not signed with this key, so nothing tells whether its end is missing";

/** What is missing before the first record there is; undefined for nothing. */
function incompleteness({ missingBefore, end, headMissing }: TrailReport): string | undefined {
  if (missingBefore > 0) return `${String(missingBefore)} links before the first one are missing`;
  if (end === undefined) return "there is no record and no start";
  return headMissing ? noHead : undefined;
}

async function printTrail(
  { output }: CommandContext,
  report: TrailReport,
  { from }: Pick<VerifyOptions, "from">,
): Promise<void> {
  const { trailNotes } = await import("../app/trail-notes.js");
  const { trail, faults, records, unsigned, headMissing } = report;
  for (const { file, line, message } of faults) await output.line(`${file}:${String(line)}: ${message}`);
  const state = faults.length > 0 ? "NOT as they were written" : "as they were written";
  await output.line(`${trail}: ${String(records)} records, ${state}`);
  if (unsigned > 0) await output.note(`the last ${String(unsigned)} are not signed yet`);
  if (headMissing) await output.note(noHead);
  for (const note of trailNotes(report, from)) await output.note(note);
}

async function trailOf({ config, file, publicKey: key, head }: VerifyOptions): Promise<AuditConfig> {
  if ((config === undefined) === (file === undefined)) throw new UsageError("give --config or --file, one of them");
  if (config !== undefined) {
    if (head !== undefined) throw new UsageError("--head goes with --file; --config names it already");
    const { loadConfig } = await import("../config/load-config.js");
    const { audit } = (await loadConfig(config)).config;
    return { ...audit, keyPath: key ?? audit.keyPath };
  }
  if (file === undefined || key === undefined)
    throw new UsageError("--file needs --public-key, the public key of the trail");
  const place = { kind: "file", path: file, rotateBytes: Infinity, isIsolated: false, headPath: head } as const;
  return { keyPath: key, sinks: [{ ...place, required: true, deadlineMs: Infinity }] };
}

async function printPublicKey({ output }: CommandContext, { config, json }: KeyOptions): Promise<void> {
  const [{ loadConfig }, { readAuditKey }] = await Promise.all([
    import("../config/load-config.js"),
    import("../app/audit-key-file.js"),
  ]);
  const { id, publicKeyPem } = await readAuditKey((await loadConfig(config)).config.audit.keyPath);
  if (json) await output.document({ id, publicKey: publicKeyPem });
  else await output.result(publicKeyPem);
}

function parseTime(text: string): Date {
  const timeMs = /^\d{4}-\d{2}-\d{2}T/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) throw new UsageError("--from must be a time such as 2030-01-31T12:00:00Z");
  return new Date(timeMs);
}
