import type { Metadata } from "@grpc/grpc-js";

/** Whether a caller is refused, by what its call says of it; at once wherever that can be told. Never throws. */
export type Refuses = (metadata: Metadata, peer: string) => boolean | Promise<boolean>;

/** A call whose request is waited for. */
export interface WaitingCall {
  readonly metadata: Metadata | undefined;
  readonly hasRequest: boolean;
  getPeer(): string;
  /** Ends the wait. */
  refuse(): void;
}

/**
 * Looks at the callers whose requests have not come in the turn of the event loop in which the calls came. Those of nearly
 * all calls have, and then this costs one entry in a list.
 */
export class LateRequests {
  readonly #refuses: Refuses;
  #begun: WaitingCall[] = [];

  constructor(refuses: Refuses) {
    this.#refuses = refuses;
  }

  /** Waits for a call's request, unless its caller is refused. */
  await(call: WaitingCall): void {
    if (this.#begun.push(call) === 1) setImmediate(this.#look);
  }

  readonly #look = (): void => {
    const begun = this.#begun;
    this.#begun = [];
    for (const call of begun) if (!call.hasRequest) this.#judge(call);
  };

  #judge(call: WaitingCall): void {
    const { metadata } = call;
    const refused = metadata !== undefined && this.#refuses(metadata, call.getPeer());
    if (!(refused instanceof Promise)) {
      if (refused) call.refuse();
      return;
    }
    void refused.then((isRefused) => {
      if (isRefused && !call.hasRequest) call.refuse();
    });
  }
}
