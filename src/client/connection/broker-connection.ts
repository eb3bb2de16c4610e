import { type ChannelOptions, Client, connectivityState } from "@grpc/grpc-js";
import type { SecretError } from "../../domain/secret-error.js";
import type { BrokerAddress } from "../broker-address.js";
import { pause } from "../calls/pause.js";
import { BrokerCredentials } from "./broker-credentials.js";
import type { SocketReferences } from "./socket-references.js";
import type { TlsMaterial } from "./tls-material.js";

const maxReceiveBytes = 256 * 1024 * 1024;

/** The options of every connection to a broker. */
const channelOptions: ChannelOptions = {
  // A batch holds up to 1,000 payloads; the server bounds what it sends.
  "grpc.max_receive_message_length": maxReceiveBytes,
  "grpc.enable_channelz": 0,
  // A proxy named in the environment must not see secrets, and could not reach this machine's broker.
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  // A broker that restarts is back within moments.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 5_000,
  // A peer that is gone without a word is noticed while something waits for it.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // Two clients of one process stay apart: closing one must not touch the other.
  "grpc.use_local_subchannel_pool": 1,
};

/** What connections of one client share. */
export interface ConnectionParts {
  readonly tls: TlsMaterial | undefined;
  readonly references: SocketReferences;
}

/** How a connection is waited for. */
export interface ConnectWait {
  /** Ends the wait. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the process waits as well; true unless given. */
  readonly keepsProcessAlive?: boolean | undefined;
}

/** The connection to one broker; connects with the first call, and again when it breaks. Must be closed. */
export class BrokerConnection {
  readonly address: string;
  readonly client: Client;
  #failure: SecretError | undefined;
  #change: Promise<void> | undefined;

  constructor({ text, target }: BrokerAddress, { tls, references }: ConnectionParts) {
    this.address = text;
    const onSecured = (failure: SecretError | undefined): void => {
      this.#failure = failure;
    };
    this.client = new Client(target, new BrokerCredentials({ tls, references, onSecured }), channelOptions);
  }

  /** Why it could not be secured, when that is what keeps it from being there. */
  get failure(): SecretError | undefined {
    return this.#failure;
  }

  /** Whether a call would be sent at once. */
  get isReady(): boolean {
    return this.client.getChannel().getConnectivityState(false) === connectivityState.READY;
  }

  /** Whether it is neither ready nor known to fail: a call would wait, and keep the process alive. */
  get isUndecided(): boolean {
    const state = this.client.getChannel().getConnectivityState(false);
    return state === connectivityState.IDLE || state === connectivityState.CONNECTING;
  }

  /** Connects; resolves to whether that worked before the given time. */
  async connect(deadlineMs: number, wait: ConnectWait = {}): Promise<boolean> {
    for (;;) {
      const state = this.client.getChannel().getConnectivityState(true);
      if (state === connectivityState.READY) return true;
      if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) return false;
      const remainingMs = deadlineMs - Date.now();
      if (remainingMs <= 0 || !(await this.#changesWithin(remainingMs, state, wait))) return false;
    }
  }

  /** Whether the state becomes another one in time. gRPC's own timer would keep the process alive. */
  async #changesWithin(timeMs: number, state: connectivityState, wait: ConnectWait): Promise<boolean> {
    // One for all who wait: it lasts until the state changes, however often that is given up.
    this.#change ??= new Promise((resolve) => {
      this.client.getChannel().watchConnectivityState(state, Infinity, () => {
        this.#change = undefined;
        resolve();
      });
    });
    const over = new AbortController();
    const isOver = pause(timeMs, [over.signal, wait.signal], wait.keepsProcessAlive).then(() => false);
    const isChanged = await Promise.race([this.#change.then(() => true), isOver]);
    over.abort();
    return isChanged;
  }

  /** Takes no more calls, and ends when those under way have ended. */
  close(): void {
    this.client.close();
  }
}
