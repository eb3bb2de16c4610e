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

type Watcher = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/**
 * gRPC's standard health service: the state of each service, and of the server as a whole under the empty name.
 * Watchers are told of changes and end when the server drains, as an open stream would hold up its stop.
 */
export class HealthReporter {
  readonly #serving = new Map<string, boolean>();
  readonly #watchers = new Map<Watcher, ServingStatus>();

  /** Replaces the services and their states. */
  update(serving: ReadonlyMap<string, boolean>): void {
    this.#serving.clear();
    for (const [service, isServing] of serving) this.#serving.set(service, isServing);
    for (const watcher of this.#watchers.keys()) this.#tell(watcher);
  }

  /** Tells every watcher that nothing is served any more, and lets it go. */
  drain(): void {
    for (const service of this.#serving.keys()) this.#serving.set(service, false);
    for (const watcher of this.#watchers.keys()) {
      this.#tell(watcher);
      watcher.end();
    }
    this.#watchers.clear();
  }

  /** The service as grpc-js takes it. */
  service(): ServedService {
    return {
      definition: HealthService,
      isIdentified: false,
      implementation: {
        check: (
          call: ServerUnaryCall<HealthCheckRequest, HealthCheckResponse>,
          callback: sendUnaryData<HealthCheckResponse>,
        ) => {
          const state = this.#stateOf(call.request.service);
          if (state !== ServingStatus.SERVICE_UNKNOWN) callback(null, { status: state });
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
    watcher.on("cancelled", () => {
      this.#watchers.delete(watcher);
    });
    this.#watchers.set(watcher, ServingStatus.UNKNOWN);
    this.#tell(watcher);
  }

  #tell(watcher: Watcher): void {
    const state = this.#stateOf(watcher.request.service);
    if (this.#watchers.get(watcher) === state) return;
    this.#watchers.set(watcher, state);
    watcher.write({ status: state });
  }

  #stateOf(service: string): ServingStatus {
    const isServing = this.#serving.get(service);
    if (isServing === undefined) return ServingStatus.SERVICE_UNKNOWN;
    return isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }
}
