import { type sendUnaryData, type ServerUnaryCall, type ServerWritableStream, status } from "@grpc/grpc-js";
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
  type HealthListRequest,
  type HealthListResponse,
  HealthService,
} from "../gen/grpc/health/v1/health.js";
import type { ServedService } from "./services.js";
import { refusalOfLong, tooLong, withShortRequests } from "./short-requests.js";

type Question = HealthCheckRequest | typeof tooLong;
type Watcher = ServerWritableStream<Question, HealthCheckResponse>;

/** What is watched, and what its watcher was told last. */
interface Watched {
  readonly service: string;
  told: ServingStatus;
}

/** The most bytes of a question; a service's full name takes some dozens. */
const maxQuestionBytes = 256;

/** How many watches are open at once: one for each of the connections there may be unless configured otherwise. */
const maxWatches = 10_000;

const refusalOfQuestion = refusalOfLong(maxQuestionBytes, "ask for one service by its full name");
const refusalOfWatch = {
  code: status.RESOURCE_EXHAUSTED,
  details: "too many watches of health are open: ask with Check, or watch again later",
};

/**
 * gRPC's standard health service: the state of each service, and of the server as a whole under the empty name.
 * Watchers are told of changes and end when the server drains, as an open stream would hold up its stop. Anyone who can
 * connect may ask, so no more than 10,000 watches are open at once, and a question has at most 256 bytes.
 */
export class HealthReporter {
  readonly #serving = new Map<string, boolean>();
  readonly #watchers = new Map<Watcher, Watched>();

  /** Replaces the services and their states. */
  update(serving: ReadonlyMap<string, boolean>): void {
    this.#serving.clear();
    for (const [service, isServing] of serving) this.#serving.set(service, isServing);
    for (const [watcher, watched] of this.#watchers) this.#tell(watcher, watched);
  }

  /** Tells every watcher that nothing is served any more, and lets it go. */
  drain(): void {
    for (const service of this.#serving.keys()) this.#serving.set(service, false);
    for (const [watcher, watched] of this.#watchers) {
      this.#tell(watcher, watched);
      watcher.end();
    }
    this.#watchers.clear();
  }

  /** The service as grpc-js takes it. */
  service(): ServedService {
    return {
      definition: withShortRequests(HealthService, maxQuestionBytes),
      isIdentified: false,
      implementation: {
        check: (
          { request }: ServerUnaryCall<Question, HealthCheckResponse>,
          callback: sendUnaryData<HealthCheckResponse>,
        ) => {
          const state = request === tooLong ? undefined : this.#stateOf(request.service);
          if (state === undefined) callback(refusalOfQuestion);
          else if (state !== ServingStatus.SERVICE_UNKNOWN) callback(null, { status: state });
          else callback({ code: status.NOT_FOUND, details: "unknown service" });
        },
        list: (
          _call: ServerUnaryCall<HealthListRequest, HealthListResponse>,
          callback: sendUnaryData<HealthListResponse>,
        ) => {
          const services = [...this.#serving.keys()];
          callback(null, { statuses: new Map(services.map((name) => [name, { status: this.#stateOf(name) }])) });
        },
        watch: (call: Watcher) => {
          this.#watch(call);
        },
      },
    };
  }

  #watch(watcher: Watcher): void {
    const { request } = watcher;
    if (request === tooLong) watcher.emit("error", refusalOfQuestion);
    else if (this.#watchers.size >= maxWatches) watcher.emit("error", refusalOfWatch);
    else this.#admit(watcher, { service: request.service, told: ServingStatus.UNKNOWN });
  }

  #admit(watcher: Watcher, watched: Watched): void {
    this.#watchers.set(watcher, watched);
    watcher.on("cancelled", () => {
      this.#watchers.delete(watcher);
    });
    // Whoever does not take what it is told is told the newest once it does.
    watcher.on("drain", () => {
      this.#tell(watcher, watched);
    });
    this.#tell(watcher, watched);
  }

  #tell(watcher: Watcher, watched: Watched): void {
    const state = this.#stateOf(watched.service);
    if (watched.told === state || watcher.writableNeedDrain) return;
    watched.told = state;
    watcher.write({ status: state });
  }

  #stateOf(service: string): ServingStatus {
    const isServing = this.#serving.get(service);
    if (isServing === undefined) return ServingStatus.SERVICE_UNKNOWN;
    return isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }
}
