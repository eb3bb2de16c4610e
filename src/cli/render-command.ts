import type { Command } from "commander";
import { defaultTimeoutMs } from "../client/call-options.js";
import type { SecretBrokerClient } from "../client/secret-broker-client.js";
import {
  addConnectionOptions,
  type CommandContext,
  type ConnectionOptions,
  withClient,
  withInherited,
} from "./command-context.js";
import { describeProblem } from "./describe-problem.js";
import { withoutBrokerVariables } from "./exec/child-environment.js";
import { exitCodes } from "./exit-codes.js";
import { collect } from "./option-parsers.js";
import { readReferences, type ReferenceValues } from "./read-references.js";
import { ReferenceFollower } from "./reference-follower.js";
import { afterChange } from "./render/after-change.js";
import { type Owner, parseMode, parseOwner, parseSignalTarget, type SignalTarget } from "./render/render-options.js";
import { type RenderedFile, Rendering } from "./render/rendering.js";
import { untilInterrupted } from "./until-interrupted.js";
import { UsageError } from "./usage-error.js";

interface RenderOptions extends ConnectionOptions {
  readonly template: readonly string[];
  readonly out: readonly string[];
  readonly mode?: number;
  readonly owner?: Owner;
  readonly once?: boolean;
  readonly watch?: boolean;
  readonly run?: string;
  readonly signal?: SignalTarget;
}

/** Nobody but the owner reads what is written. */
const defaultMode = 0o600;

/** Declares `render --template FILE --out FILE`. */
export function addRenderCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("render")
    .description("write files from templates with secrets in them")
    .requiredOption("--template <file>", "the template; may be repeated, each with its --out", collect)
    .requiredOption("--out <file>", "the file to write; may be repeated", collect)
    .option("--mode <mode>", "who may read the files (default: 0600)", parseMode)
    .option("--owner <user:group>", "whom the files belong to; names or numbers", parseOwner)
    .option("--once", "write the files and end, as it does unless told otherwise")
    .option("--watch", "go on, and write them anew whenever a secret changes, until SIGTERM or SIGINT")
    .option("--run <command>", "a command for the shell to run when a file has another content")
    .option("--signal <target>", "PID-FILE:SIGNAL, the signal to send then", parseSignalTarget)
    .action((own: RenderOptions, self: Command) => render(context, withInherited(own, self)));
  addConnectionOptions(command);
}

async function render(context: CommandContext, options: RenderOptions): Promise<void> {
  const { template, out, mode = defaultMode, owner } = options;
  if (options.once === true && options.watch === true) throw new UsageError("--once and --watch exclude each other");
  const rendering = await Rendering.open(template, out, { mode, owner });
  await untilInterrupted(context.io, async (signal) => {
    const run = new RenderRun(context, options, { rendering, signal });
    await withClient(context, options, (client) => run.toEnd(client)).catch((error: unknown) => {
      if (!signal.aborted) throw error;
      context.exitCode = exitCodes.interrupted;
    });
  });
}

interface RunParts {
  readonly rendering: Rendering;
  readonly signal: AbortSignal;
}

class RenderRun {
  readonly #context: CommandContext;
  readonly #options: RenderOptions;
  readonly #parts: RunParts;
  /** Whether a file has another content that nobody was told of. */
  #isDue = false;

  constructor(context: CommandContext, options: RenderOptions, parts: RunParts) {
    this.#context = context;
    this.#options = options;
    this.#parts = parts;
  }

  async toEnd(client: SecretBrokerClient): Promise<void> {
    const { rendering, signal } = this.#parts;
    const { references } = rendering;
    const timeoutMs = this.#options.timeout ?? defaultTimeoutMs;
    const values = await readReferences(client, references, { timeoutMs, signal });
    await this.#write(values);
    if (this.#options.watch !== true) {
      await this.#tell();
      return;
    }
    await this.#tellOrNote();
    const follower = new ReferenceFollower({
      client,
      references,
      values,
      timeoutMs,
      onChange: async (changed) => {
        await this.#write(changed);
        await this.#tellOrNote();
      },
      onProblem: (problem) => {
        const text = problem && `the files stay as they are: ${describeProblem(problem)}`;
        void this.#note(text ?? "the files are up to date again");
      },
    });
    await follower.start();
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    follower.close();
  }

  async #write(values: ReferenceValues): Promise<void> {
    const { output } = this.#context;
    const files: RenderedFile[] = [];
    try {
      await this.#parts.rendering.write(values, (file) => {
        files.push(file);
        if (file.outcome === "written") this.#isDue = true;
      });
    } finally {
      if (this.#options.json) await output.document({ files });
      else for (const { file, outcome } of files) await output.line(`${outcome} ${file}`);
    }
  }

  /** Tells once of what has changed, also when that fails. */
  async #tell(): Promise<void> {
    if (!this.#isDue) return;
    this.#isDue = false;
    const { run: command, signal: target } = this.#options;
    const env = withoutBrokerVariables(this.#context.io.env);
    await afterChange({ command, target, env, signal: this.#parts.signal });
  }

  /** One failure to tell is no reason to end. */
  async #tellOrNote(): Promise<void> {
    try {
      await this.#tell();
    } catch (error) {
      await this.#note(describeProblem(error));
    }
  }

  async #note(text: string): Promise<void> {
    await this.#context.output.note(`secret-broker: ${text}`).catch(() => undefined);
  }
}
