import type { Command } from "commander";
import { defaultTimeoutMs } from "../client/call-options.js";
import type { SecretBrokerClient } from "../client/secret-broker-client.js";
import { isSecretError } from "../domain/secret-error.js";
import type { PassedSignal } from "./cli-io.js";
import {
  addConnectionOptions,
  type CommandContext,
  type ConnectionOptions,
  withClient,
  withInherited,
} from "./command-context.js";
import {
  type Binding,
  childEnvironment,
  collectBinding,
  definedOf,
  type Environment,
  withoutBrokerVariables,
} from "./exec/child-environment.js";
import { ChildSupervisor } from "./exec/child-supervisor.js";
import { type OnChange, parseOnChange } from "./exec/on-change.js";
import { passSignals } from "./exec/pass-signals.js";
import { signalExitCode } from "./exit-codes.js";
import { describeProblem } from "./describe-problem.js";
import { lengthOfTime } from "./option-parsers.js";
import { readReferences, type ReferenceValues } from "./read-references.js";
import { ReferenceFollower } from "./reference-follower.js";

interface ExecOptions extends ConnectionOptions {
  readonly env?: readonly Binding[];
  readonly onChange?: OnChange;
  /** In milliseconds. */
  readonly stagger?: number;
  /** In milliseconds. */
  readonly grace?: number;
  readonly keepBrokerVariables?: boolean;
}

const defaultStaggerMs = 5_000;
const defaultGraceMs = 10_000;

/** Declares `exec -- PROGRAM`. */
export function addExecCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("exec")
    .description("run a program with secrets in its environment")
    .argument("<program...>", "the program and its own parameters, after --")
    .passThroughOptions()
    .option("--env <variable=name>", "a variable and its secret, NAME or NAME#field; may be repeated", collectBinding)
    .option("--on-change <what>", "restart, signal:SIGNAL, or ignore (default: ignore)", parseOnChange)
    .option("--stagger <time>", "the longest of the random pauses before that (default: 5s)", lengthOfTime("--stagger"))
    .option("--grace <time>", "how long a restart waits before it kills (default: 10s)", lengthOfTime("--grace"))
    .option("--keep-broker-variables", "leave the SECRET_BROKER_ variables to the program")
    .action((words: readonly string[], own: ExecOptions, self: Command) =>
      execute(context, words, withInherited(own, self)),
    );
  addConnectionOptions(command);
}

async function execute(context: CommandContext, words: readonly string[], options: ExecOptions): Promise<void> {
  const run = new ExecRun(context, words, options);
  await withClient(context, options, (client) => run.toEnd(client));
}

/** One program from the first read to its end. */
class ExecRun {
  readonly #context: CommandContext;
  readonly #words: readonly string[];
  readonly #options: ExecOptions;
  readonly #bindings: readonly Binding[];
  readonly #inherited: Environment;
  readonly #stopping = new AbortController();
  #stoppedBy: PassedSignal | undefined;
  #supervisor: ChildSupervisor | undefined;
  #staggered: NodeJS.Timeout | undefined;
  #latest: ReferenceValues | undefined;

  constructor(context: CommandContext, words: readonly string[], options: ExecOptions) {
    const { env } = context.io;
    this.#context = context;
    this.#words = words;
    this.#options = options;
    this.#bindings = options.env ?? [];
    this.#inherited = options.keepBrokerVariables === true ? definedOf(env) : withoutBrokerVariables(env);
  }

  async toEnd(client: SecretBrokerClient): Promise<void> {
    const off = passSignals(this.#context.io, (signal, isFromKey) => {
      this.#take(signal, isFromKey);
    });
    try {
      await this.#run(client);
    } catch (error) {
      if (this.#stoppedBy === undefined) throw error;
      this.#context.exitCode = signalExitCode(this.#stoppedBy);
    } finally {
      off();
      clearTimeout(this.#staggered);
    }
  }

  /** Before the program is there, whatever would end it ends the wait for its secrets. */
  #take(signal: PassedSignal, isFromKey: boolean): void {
    if (this.#supervisor !== undefined) this.#supervisor.deliver(signal, isFromKey);
    else if (signal !== "SIGWINCH") {
      this.#stoppedBy = signal;
      this.#stopping.abort();
    }
  }

  async #run(client: SecretBrokerClient): Promise<void> {
    const { grace = defaultGraceMs } = this.#options;
    const values = await readReferences(client, this.#references, { ...this.#within, signal: this.#stopping.signal });
    const env = childEnvironment(this.#inherited, this.#bindings, values);
    this.#stopping.signal.throwIfAborted();
    const [program = "", ...parameters] = this.#words;
    const supervisor = new ChildSupervisor({ program, parameters, env, graceMs: grace });
    this.#supervisor = supervisor;
    const ending = supervisor.run();
    const follower = await this.#follow(client, values);
    // A program that is not told of changes needs no broker any more.
    if (follower === undefined) client.close();
    const { code, startFailure } = await ending;
    follower?.close();
    if (startFailure !== undefined) await this.#note(`the program cannot be started (${startFailure})`);
    this.#context.exitCode = code;
  }

  get #references(): Binding["reference"][] {
    return this.#bindings.map(({ reference }) => reference);
  }

  get #within(): { readonly timeoutMs: number } {
    return { timeoutMs: this.#options.timeout ?? defaultTimeoutMs };
  }

  async #follow(client: SecretBrokerClient, values: ReferenceValues): Promise<ReferenceFollower | undefined> {
    const { onChange = { kind: "ignore" } } = this.#options;
    if (onChange.kind === "ignore" || this.#bindings.length === 0) return undefined;
    const follower = new ReferenceFollower({
      client,
      references: this.#references,
      values,
      ...this.#within,
      onChange: (changed) => {
        this.#onChange(onChange, changed);
      },
      onProblem: (problem) => {
        const text = problem && `the program keeps the secrets it has: ${describeProblem(problem)}`;
        void this.#note(text ?? "secrets can be read again");
      },
    });
    await follower.start();
    return follower;
  }

  /** A fleet that sees the same change does not act on it at the same moment; of several changes the last counts. */
  #onChange(onChange: OnChange, values: ReferenceValues): void {
    const { stagger = defaultStaggerMs } = this.#options;
    this.#latest = values;
    this.#staggered ??= setTimeout(() => {
      this.#staggered = undefined;
      void this.#act(onChange);
    }, Math.random() * stagger);
  }

  async #act(onChange: OnChange): Promise<void> {
    if (onChange.kind === "signal") this.#supervisor?.nudge(onChange.signal);
    if (onChange.kind !== "restart" || this.#latest === undefined) return;
    try {
      this.#supervisor?.restart(childEnvironment(this.#inherited, this.#bindings, this.#latest));
    } catch (error) {
      if (!isSecretError(error)) throw error;
      await this.#note(`the program keeps the secrets it has: ${describeProblem(error)}`);
    }
  }

  async #note(text: string): Promise<void> {
    // Standard error may be closed; the program goes on without our remarks.
    await this.#context.output.note(`secret-broker: ${text}`).catch(() => undefined);
  }
}
