import { brokerSettings } from "#built/app/broker-settings.js";
import { parseConfig } from "#built/config/parse-config.js";
import type { Caller } from "#built/domain/caller.js";
import { parseSecretName } from "#built/domain/secret-name.js";
import type { Policy } from "#built/policy/policy.js";
import { stringify } from "yaml";
import type { BenchReport } from "./report.ts";
import { median } from "./statistics.ts";

const sizes = [10, 1_000, 10_000];
const principals = 1_000;
const questions = 5_000;
/** How often the questions are asked for one figure. */
const repetitions = 20;

interface Size {
  readonly grants: number;
  readonly config: object;
  readonly loadMs: number[];
  readonly loadYamlMs: number[];
  readonly decisionNs: number[];
}

/** What a decision costs with few grants and with many, and what it costs to load them from a configuration's text. */
export function policy(rounds: number): Promise<BenchReport> {
  const measured: readonly Size[] = sizes.map((grants) => ({
    grants,
    config: configOf(grants),
    loadMs: [],
    loadYamlMs: [],
    decisionNs: [],
  }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { grants, config, loadMs, loadYamlMs, decisionNs } of measured) {
      const compiled = load(JSON.stringify(config), loadMs);
      load(stringify(config), loadYamlMs);
      decisionNs.push(askAll(compiled, grants));
    }
  }
  const [few, , many] = measured;
  const rows = measured.map(({ grants, loadMs, loadYamlMs, decisionNs }) => ({
    subject: `${String(grants)} grants`,
    "ns a decision": Math.round(median(decisionNs)),
    "load ms, JSON": Math.round(median(loadMs)),
    "load ms, YAML": Math.round(median(loadYamlMs)),
  }));
  const manyToFew = Number((median(many?.decisionNs ?? []) / median(few?.decisionNs ?? [])).toFixed(3));
  return Promise.resolve({ bench: "policy", ratios: { manyGrantsToFew: manyToFew }, rows, rounds });
}

/** How long it takes until a configuration is in force, beside the reading of its file. */
function load(text: string, loadMs: number[]): Policy {
  const startMs = performance.now();
  const { policy: compiled } = brokerSettings(parseConfig({ text, file: "/bench/config.yaml" }).config, new Map());
  loadMs.push(performance.now() - startMs);
  return compiled;
}

/** Every fourth grant is for one name, the others for patterns. */
function configOf(grants: number): object {
  const policies = Array.from({ length: grants }, (_, index) => ({
    principals: [`app-${String(index % principals)}`],
    actions: ["read"],
    names: [index % 4 === 0 ? nameOf(index) : `team-${String(index % 97)}/service-${String(index)}/*`],
  }));
  return { secret_broker: { manager: { kind: "memory" }, policies } };
}

function nameOf(index: number): string {
  return `team-${String(index % 97)}/service-${String(index)}/KEY`;
}

function callerOf(index: number): Caller {
  return { principal: `app-${String(index)}`, groups: [], provenBy: "token", peer: "bench" };
}

/** Nanoseconds for one decision once callers and names have been met. */
function askAll(compiled: Policy, grants: number): number {
  const callers = new Map<number, Caller>();
  const asked = Array.from({ length: questions }, (_, index) => {
    const grant = index % grants;
    const caller = callers.get(grant % principals) ?? callerOf(grant % principals);
    callers.set(grant % principals, caller);
    return { caller, name: parseSecretName(nameOf(grant)) };
  });
  let allowed = 0;
  const ask = (): void => {
    for (const { caller, name } of asked) if (compiled.decide(caller, "read", name).allowed) allowed += 1;
  };
  ask();
  const startMs = performance.now();
  for (let done = 0; done < repetitions; done += 1) ask();
  const elapsedMs = performance.now() - startMs;
  if (allowed !== questions * (repetitions + 1)) throw new Error("a decision of the bench was refused");
  return (elapsedMs * 1e6) / (questions * repetitions);
}
