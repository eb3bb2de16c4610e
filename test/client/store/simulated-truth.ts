import type { Secret } from "../../../src/client/index.js";
import { equalPayloads, type Payload } from "../../../src/domain/payload.js";
import { parseSecretName } from "../../../src/domain/secret-name.js";

/** What a secret is; undefined while it is not there, or may not be read. */
export type State = Secret | undefined;

interface Period {
  readonly fromMs: number;
  readonly state: State;
}

/** Names whose payloads are bytes. */
const binaryNames: ReadonlySet<string> = new Set(["B", "D"]);

/** What every secret was at every time. Its payloads are its own: whoever is given one is given a copy. */
export class SimulatedTruth {
  readonly #now: () => number;
  readonly #history = new Map<string, Period[]>();
  readonly #listeners = new Set<(name: string) => void>();
  #versions = 0;
  #lives = 0;

  constructor(now: () => number, names: readonly string[]) {
    this.#now = now;
    for (const name of names) this.create(name);
  }

  /** A new generation, which counts its versions from 1 again. */
  create(name: string): void {
    this.#lives += 1;
    this.#versions += 1;
    this.set(name, this.#secret(name, `life-${String(this.#lives)}`, 1));
  }

  /** Another version of what is there, which may expire; whoever lets time pass has to end it then. */
  rotate(name: string, expireTime?: Date): void {
    const { uid = "", version = 0 } = this.at(name, this.#now()) ?? {};
    if (version === 0) this.create(name);
    else this.set(name, { ...this.#secret(name, uid, version + 1), expireTime });
  }

  set(name: string, state: State): void {
    const history = this.#history.get(name) ?? [];
    this.#history.set(name, [...history, { fromMs: this.#now(), state }]);
    for (const listener of this.#listeners) listener(name);
  }

  /** Has a function told of each change; returns what ends that. */
  on(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  at(name: string, timeMs: number): State {
    return this.#history.get(name)?.findLast(({ fromMs }) => fromMs <= timeMs)?.state;
  }

  /** Whether a secret had a value at some time from one point to another. */
  held(name: string, payload: Payload, [fromMs, toMs]: readonly [number, number]): boolean {
    const history = this.#history.get(name) ?? [];
    return history.some(({ fromMs: beganMs, state }, index) => {
      const endedMs = history[index + 1]?.fromMs ?? Infinity;
      return state !== undefined && equalPayloads(state.payload, payload) && beganMs <= toMs && endedMs >= fromMs;
    });
  }

  /** When a value expires; undefined when it does not. */
  expiryOf(name: string, payload: Payload): Date | undefined {
    const history = this.#history.get(name) ?? [];
    return history.find(({ state }) => state !== undefined && equalPayloads(state.payload, payload))?.state?.expireTime;
  }

  #secret(name: string, uid: string, version: number): Secret {
    this.#versions += 1;
    const text = `value-${String(this.#versions)}`;
    const payload = binaryNames.has(name) ? new TextEncoder().encode(text) : text;
    return { name: parseSecretName(name), uid, version, payload };
  }
}

/** A secret as it is sent: its bytes belong to whoever receives it. */
export function sent(secret: Secret): Secret {
  const { payload } = secret;
  return { ...secret, payload: typeof payload === "string" ? payload : new Uint8Array(payload) };
}
