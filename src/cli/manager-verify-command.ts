import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import type { ListenAddress } from "../config/config.js";
import { parsePeerAddress } from "../config/peer-schema.js";
import type { CheckResult, VerifyReport } from "../testkit/verify/verify-manager.js";
import { addOutputOptions, type CommandContext, type OutputOptions, withInherited } from "./command-context.js";
import { exitCodes } from "./exit-codes.js";
import { loadConfiguration } from "./load-configuration.js";
import { untilInterrupted } from "./until-interrupted.js";
import { UsageError } from "./usage-error.js";

/** Declares `manager verify`. */
export function addManagerVerifyCommand(manager: Command, context: CommandContext): void {
  const verify = manager
    .command("verify")
    .description("hold a manager to every law and to injected faults; exits with 1 when one is broken")
    .argument("<address-or-file>", "unix:PATH, a loopback host:port, or the config.yaml that chooses the manager")
    .action((target: string, own: OutputOptions, self: Command) =>
      verifyTarget(context, target, withInherited(own, self)),
    );
  addOutputOptions(verify);
}

async function verifyTarget(context: CommandContext, target: string, options: OutputOptions): Promise<void> {
  const report = await untilInterrupted(context.io, async (signal) => {
    if (!/\.ya?ml$/u.test(target)) return await verify(context, addressOf(target), { ...options, signal });
    return await whileHosted(target, (address) => verify(context, address, { ...options, signal }));
  });
  if (report.broken > 0) context.exitCode = exitCodes.failed;
  if (options.json === true) await context.output.document(report);
  else await printReport(context, report);
}

interface VerifyRun extends OutputOptions {
  readonly signal: AbortSignal;
}

async function verify(
  { output }: CommandContext,
  address: ListenAddress,
  { json, signal }: VerifyRun,
): Promise<VerifyReport> {
  const { verifyManager } = await import("../testkit/verify/verify-manager.js");
  const onCheck = ({ kind, name, outcome, detail = "" }: CheckResult): void => {
    if (json !== true && outcome === "broken") void output.line(`broken ${kind}: ${name}: ${detail}`);
  };
  return await verifyManager({ address, onCheck, signal });
}

function addressOf(target: string): ListenAddress {
  const parsed = parsePeerAddress(target, { directory: process.cwd(), hasTls: false });
  if ("address" in parsed) return parsed.address;
  throw new UsageError(`the address ${parsed.problem}; or name a config.yaml`);
}

/** Serves the manager that a file chooses on a socket of its own meanwhile. */
async function whileHosted<T>(file: string, work: (address: ListenAddress) => Promise<T>): Promise<T> {
  const { hostManager } = await import("../app/host-manager.js");
  const folder = await mkdtemp(join(tmpdir(), "secret-broker-verify-"));
  const path = join(folder, "manager.sock");
  try {
    const hosted = await hostManager(await loadConfiguration(file), `unix:${path}`, { isQuiet: true });
    try {
      return await work({ kind: "unix", path });
    } finally {
      await hosted.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function printReport({ output }: CommandContext, report: VerifyReport): Promise<void> {
  const { name, capabilities, lacking, semantics, checks, held, broken, notApplicable, left } = report;
  const { payloads, deletion, watches, versionNumbers } = semantics;
  await output.line(`manager          ${name}`);
  await output.line(`capabilities     ${listOf(capabilities)}`);
  await output.line(`lacks            ${listOf(lacking)}`);
  await output.line(`payloads         ${payloads}`);
  await output.line(`deletion         ${deletion}`);
  await output.line(`watches          ${watches}`);
  await output.line(`version numbers  ${versionNumbers}`);
  for (const check of checks) {
    if (check.outcome === "not_applicable") await output.line(`left out: ${check.name} (${check.detail ?? ""})`);
  }
  if (left > 0)
    await output.line(`${String(left)} names that begin with verify- are left, as they could not be deleted`);
  await output.line(`${String(held)} held, ${String(broken)} broken, ${String(notApplicable)} left out`);
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? "nothing" : names.join(", ");
}
