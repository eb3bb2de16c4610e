import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { SecretManager } from "../contract/secret-manager.js";
import { shownCapabilities } from "../contract/shown-capabilities.js";
import type * as messages from "../gen/secretbroker/manager/v1/secret_manager.js";
import { protocolVersions } from "../managers/remote/handshake.js";
import { capabilityCodes } from "../managers/remote/wire/capability-codes.js";
import { changingRpcs } from "./changing-rpcs.js";
import { callOf, type HostedWire, wireFailure } from "./hosted-call.js";
import { lookingRpcs, watchSecrets } from "./looking-rpcs.js";
import type { Answer } from "./member-of.js";
import { readingRpcs } from "./reading-rpcs.js";

/** What can say what the broker says of a call. */
interface Asked {
  readonly call?: messages.CallContext | undefined;
}

/** What the handshake tells besides, and who is told of failures. */
export interface HostingOptions {
  /** The largest payload the manager takes, in bytes; 0 for the broker's own limit. */
  readonly maxPayloadBytes?: number | undefined;
  /** The most calls it wants at once; 0 for any number. */
  readonly maxConcurrentCalls?: number | undefined;
  /** Is told of what the manager throws; the broker is told nothing but the reason. */
  readonly onFailure?: ((thrown: unknown) => void) | undefined;
}

/** Every RPC of the service, answered by a manager. */
export function hostedService(manager: SecretManager, options: HostingOptions): UntypedServiceImplementation {
  const onFailure = options.onFailure ?? ((): void => undefined);
  const unary =
    <Request extends Asked, Response>(answer: Answer<Request, Response>): handleUnaryCall<Request, Response> =>
    (wire, callback) => {
      answer(wire.request, callOf(wire as HostedWire, wire.request.call)).then(
        (response) => callback(null, response),
        (thrown: unknown) => {
          onFailure(thrown);
          callback(wireFailure(thrown));
        },
      );
    };
  const streaming: handleServerStreamingCall<messages.WatchSecretsRequest, messages.WatchSecretsResponse> = (wire) => {
    watchSecrets(manager, wire).catch((thrown: unknown) => {
      onFailure(thrown);
      wire.emit("error", wireFailure(thrown));
    });
  };
  const [reading, changing, looking] = [readingRpcs(manager), changingRpcs(manager), lookingRpcs(manager)];
  return {
    handshake: (...call: HandshakeCall) => {
      handshake(manager, options, call);
    },
    validateEnvironment: unary(async () => await validate(manager)),
    checkHealth: unary(async (_request, call) => ({ healthy: (await manager.checkHealth?.(call)) !== false })),
    readSecret: unary(reading.readSecret),
    batchReadSecrets: unary(reading.batchReadSecrets),
    writeSecret: unary(changing.writeSecret),
    deleteSecret: unary(changing.deleteSecret),
    rotateSecret: unary(changing.rotateSecret),
    activateSecretVersion: unary(changing.activateSecretVersion),
    restoreSecret: unary(changing.restoreSecret),
    destroySecret: unary(changing.destroySecret),
    listSecrets: unary(looking.listSecrets),
    describeSecret: unary(looking.describeSecret),
    watchSecrets: streaming,
  } satisfies Record<keyof typeof messages.SecretManagerService, unknown>;
}

type HandshakeCall = Parameters<handleUnaryCall<messages.HandshakeRequest, messages.HandshakeResponse>>;

function handshake(manager: SecretManager, options: HostingOptions, [wire, callback]: HandshakeCall): void {
  const { minProtocolVersion, maxProtocolVersion } = wire.request;
  const protocolVersion = Math.min(maxProtocolVersion, protocolVersions.max);
  if (protocolVersion < Math.max(minProtocolVersion, protocolVersions.min)) {
    callback({ code: status.FAILED_PRECONDITION, details: "no protocol version in common" });
    return;
  }
  callback(null, {
    protocolVersion,
    name: (manager.managerName ?? manager.constructor.name).slice(0, 128),
    capabilities: shownCapabilities(manager).map((capability) => capabilityCodes[capability]),
    maxPayloadBytes: BigInt(options.maxPayloadBytes ?? 0),
    maxConcurrentCalls: options.maxConcurrentCalls ?? 0,
  });
}

async function validate(manager: SecretManager): Promise<messages.ValidateEnvironmentResponse> {
  return { valid: (await manager.validateEnvironment?.()) !== false, notes: [] };
}
