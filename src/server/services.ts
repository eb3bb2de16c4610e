import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Administration } from "../broker/administration.js";
import type { Broker } from "../broker/broker.js";
import type { BrokerSettings } from "../broker/broker-settings.js";
import type { VirtualKeys } from "../broker/virtual-keys.js";
import { AdministrationBrokerService } from "../gen/secretbroker/v1/administration_broker.js";
import { SecretBrokerService } from "../gen/secretbroker/v1/secret_broker.js";
import { VirtualKeyBrokerService } from "../gen/secretbroker/v1/virtual_key_broker.js";
import { activateSecretVersion } from "./handlers/activate-secret-version.js";
import { batchReadSecrets } from "./handlers/batch-read-secrets.js";
import { checkAccess } from "./handlers/check-access.js";
import { deleteSecret } from "./handlers/delete-secret.js";
import { deleteVirtualKeys } from "./handlers/delete-virtual-keys.js";
import { describeSecret } from "./handlers/describe-secret.js";
import { destroySecret } from "./handlers/destroy-secret.js";
import { encodeBatchAnswer } from "./handlers/encode-batch-answer.js";
import { encodeReadResult } from "./handlers/encode-read-result.js";
import { encodeWatchMessage } from "./handlers/encode-watch-message.js";
import { freezeSecret } from "./handlers/freeze-secret.js";
import { getStatus } from "./handlers/get-status.js";
import { listConsumers } from "./handlers/list-consumers.js";
import { listSecrets } from "./handlers/list-secrets.js";
import { readSecret } from "./handlers/read-secret.js";
import { reloadConfiguration } from "./handlers/reload-configuration.js";
import { restoreSecret } from "./handlers/restore-secret.js";
import { rotateSecret } from "./handlers/rotate-secret.js";
import { rotateVirtualKey } from "./handlers/rotate-virtual-key.js";
import { storeVirtualKey } from "./handlers/store-virtual-key.js";
import { unfreezeSecret } from "./handlers/unfreeze-secret.js";
import { verifyAudit } from "./handlers/verify-audit.js";
import { watchSecrets } from "./handlers/watch-secrets.js";
import { writeSecret } from "./handlers/write-secret.js";
import type { BindRpc, Interceptor } from "./interceptor.js";
import type { Identify } from "./open-call.js";

/** What the services stand on. */
export interface ServiceParts {
  readonly broker: Broker;
  readonly virtualKeys: VirtualKeys;
  readonly administration: Administration;
  readonly settings: () => BrokerSettings;
  readonly interceptor: Interceptor;
  /** Tells the callers of the listener the services are for. */
  readonly identify: Identify;
}

/** A service as grpc-js takes it. */
export interface ServedService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Whether it is asked of every call who makes it. */
  readonly isIdentified: boolean;
}

/** The full name of `SecretBroker`. */
export const secretBrokerName = "secretbroker.v1.SecretBroker";
/** The full name of `VirtualKeyBroker`. */
export const virtualKeyBrokerName = "secretbroker.v1.VirtualKeyBroker";
/** The full name of `AdministrationBroker`. */
export const administrationBrokerName = "secretbroker.v1.AdministrationBroker";

/** Every method of the three services by its full name, as metrics know it. */
export const methodNames: readonly string[] = [
  SecretBrokerService,
  VirtualKeyBrokerService,
  AdministrationBrokerService,
].flatMap((definition: ServiceDefinition) => Object.values(definition).map(({ path }) => path.slice(1)));

/** `SecretBroker`. */
export function secretBrokerService({ broker, settings, interceptor, identify }: ServiceParts): ServedService {
  const rpcs = {
    readSecret: interceptor.unary(readSecret(broker)),
    batchReadSecrets: interceptor.unary(batchReadSecrets(broker)),
    listSecrets: interceptor.unary(listSecrets(broker)),
    describeSecret: interceptor.unary(describeSecret(broker)),
    writeSecret: interceptor.unary(writeSecret(broker, settings)),
    activateSecretVersion: interceptor.unary(activateSecretVersion(broker)),
    deleteSecret: interceptor.unary(deleteSecret(broker)),
    restoreSecret: interceptor.unary(restoreSecret(broker)),
    destroySecret: interceptor.unary(destroySecret(broker)),
    rotateSecret: interceptor.unary(rotateSecret(broker, settings)),
    watchSecrets: interceptor.stream(watchSecrets(broker)),
  } satisfies Record<keyof typeof SecretBrokerService, BindRpc>;
  // These write their answers themselves, each secret's bytes once.
  const written = {
    readSecret: { ...SecretBrokerService.readSecret, responseSerialize: encodeReadResult },
    batchReadSecrets: { ...SecretBrokerService.batchReadSecrets, responseSerialize: encodeBatchAnswer },
    watchSecrets: { ...SecretBrokerService.watchSecrets, responseSerialize: encodeWatchMessage },
  };
  return bind({ ...SecretBrokerService, ...written }, rpcs, identify);
}

/** `VirtualKeyBroker`. */
export function virtualKeyBrokerService({ virtualKeys, settings, interceptor, identify }: ServiceParts): ServedService {
  const rpcs = {
    storeVirtualKey: interceptor.unary(storeVirtualKey(virtualKeys, settings)),
    rotateVirtualKey: interceptor.unary(rotateVirtualKey(virtualKeys, settings)),
    deleteVirtualKeys: interceptor.unary(deleteVirtualKeys(virtualKeys)),
  } satisfies Record<keyof typeof VirtualKeyBrokerService, BindRpc>;
  return bind(VirtualKeyBrokerService, rpcs, identify);
}

/** `AdministrationBroker`. */
export function administrationBrokerService({ administration, interceptor, identify }: ServiceParts): ServedService {
  const rpcs = {
    getStatus: interceptor.unary(getStatus(administration)),
    checkAccess: interceptor.unary(checkAccess(administration)),
    verifyAudit: interceptor.unary(verifyAudit(administration)),
    reloadConfiguration: interceptor.unary(reloadConfiguration(administration)),
    freezeSecret: interceptor.unary(freezeSecret(administration)),
    unfreezeSecret: interceptor.unary(unfreezeSecret(administration)),
    listConsumers: interceptor.unary(listConsumers(administration)),
  } satisfies Record<keyof typeof AdministrationBrokerService, BindRpc>;
  return bind(AdministrationBrokerService, rpcs, identify);
}

function bind(
  definition: ServiceDefinition,
  rpcs: Readonly<Record<string, BindRpc>>,
  identify: Identify,
): ServedService {
  const served = Object.entries(definition).map(([key, method]) => {
    const rpc = rpcs[key]?.(method.path.slice(1), identify);
    if (rpc === undefined) throw new TypeError(`no handler for ${method.path}`);
    return { key, method: { ...method, requestDeserialize: rpc.requestDeserialize }, handle: rpc.handle };
  });
  return {
    isIdentified: true,
    definition: Object.fromEntries(served.map(({ key, method }) => [key, method])),
    implementation: Object.fromEntries(served.map(({ key, handle }) => [key, handle])),
  };
}
