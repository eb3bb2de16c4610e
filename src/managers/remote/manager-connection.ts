import { isSecretError, SecretError } from "../../domain/secret-error.js";
import type { ManagerCall } from "../../contract/manager-call.js";
import { CallSlots } from "./call-slots.js";
import { type ManagerHello, shakeHands } from "./handshake.js";
import { ManagerChannel, type ManagerEndpoint } from "./manager-channel.js";
import { managerRpcs, type ManagerRpc } from "./wire/rpcs.js";

/** What every connection of a manager shares. */
export interface ConnectionOptions {
  /** The broker's own version, for the manager's log. */
  readonly brokerVersion: string;
  /** The largest answer that is taken. */
  readonly maxReceiveBytes: number;
  /** Is told what the manager notes of its environment. */
  readonly onNote: (note: string) => void;
}

/** How long an instance may take to say how it is. */
const healthTimeoutMs = 5_000;

/** How many notes of a manager's are passed on. */
const maxNotes = 20;

/** How many probes in a row may go unanswered before the connection counts as dead. */
const maxUnanswered = 3;

/** A connection that hands were shaken on, to a manager whose environment is right. */
export class ManagerConnection {
  readonly hello: ManagerHello;
  /** Whether the instance said last that it can answer. */
  isHealthy = true;
  readonly #channel: ManagerChannel;
  readonly #slots: CallSlots;
  #unanswered = 0;

  private constructor(channel: ManagerChannel, hello: ManagerHello) {
    this.#channel = channel;
    this.hello = hello;
    this.#slots = new CallSlots(hello.maxConcurrentCalls);
  }

  /**
   * Connects, shakes hands, and asks whether the environment is right.
   * @throws SecretError `CONFIG_INVALID` when it is not or no version is shared, or why it could not answer
   */
  static async open(
    endpoint: ManagerEndpoint,
    options: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<ManagerConnection> {
    const { brokerVersion, maxReceiveBytes, onNote } = options;
    const channel = await ManagerChannel.open(endpoint, { maxReceiveBytes, signal });
    try {
      const call = { signal, deadline: new Date(Number.NaN) };
      const hello = await shakeHands(channel, brokerVersion, call);
      await validate(channel, { call, onNote, name: hello.name });
      return new ManagerConnection(channel, hello);
    } catch (thrown) {
      channel.close();
      throw thrown;
    }
  }

  /** Resolves once the connection is gone. */
  get lost(): Promise<void> {
    return this.#channel.lost;
  }

  /** Whether calls can be made. */
  get isOpen(): boolean {
    return this.#channel.isOpen;
  }

  /** Makes one call, once fewer are under way than the manager wants at most. */
  async ask<Request, Response>(
    rpc: ManagerRpc<Request, Response>,
    request: Request,
    call: ManagerCall,
  ): Promise<Response> {
    if (!this.#slots.tryTake()) await this.#slots.take(call.signal);
    try {
      return await this.#channel.ask(rpc, request, call);
    } finally {
      this.#slots.give();
    }
  }

  /** Follows a stream, which takes no part in the bound on calls: it goes on for as long as somebody watches. */
  follow<Request, Response>(
    rpc: ManagerRpc<Request, Response>,
    request: Request,
    call: ManagerCall,
  ): AsyncGenerator<Response, void> {
    return this.#channel.follow(rpc, request, call);
  }

  /** Asks whether data calls can be answered; a manager that does not serve the question is taken at its word. */
  async probe(signal: AbortSignal): Promise<boolean> {
    const deadline = new Date(Date.now() + healthTimeoutMs);
    try {
      this.isHealthy = (await this.#channel.ask(managerRpcs.checkHealth, {}, { signal, deadline })).healthy;
      this.#unanswered = 0;
    } catch (thrown) {
      const reason = isSecretError(thrown) ? thrown.reason : undefined;
      this.isHealthy = reason === "CAPABILITY_UNSUPPORTED";
      this.#unanswered = reason === "MANAGER_TIMEOUT" ? this.#unanswered + 1 : 0;
    }
    return this.isHealthy;
  }

  /** Whether it has been silent for so long that it will not answer any more. */
  get isDead(): boolean {
    return this.#unanswered >= maxUnanswered;
  }

  /** Ends it, and every call under way. */
  close(): void {
    this.#channel.close();
  }
}

interface Validation {
  readonly call: Pick<ManagerCall, "signal" | "deadline">;
  readonly onNote: (note: string) => void;
  readonly name: string;
}

async function validate(channel: ManagerChannel, { call, onNote, name }: Validation): Promise<void> {
  const { valid, notes } = await channel.ask(managerRpcs.validateEnvironment, {}, call).catch(unlessNotServed);
  for (const note of notes.slice(0, maxNotes)) onNote(note);
  if (valid) return;
  const told = notes.length === 0 ? "it has noted nothing" : "its notes are in the log";
  throw new SecretError("CONFIG_INVALID", `the manager ${name} says that what it needs is not there; ${told}`);
}

function unlessNotServed(thrown: unknown): { valid: boolean; notes: string[] } {
  if (isSecretError(thrown) && thrown.reason === "CAPABILITY_UNSUPPORTED") return { valid: true, notes: [] };
  throw thrown;
}
