import { type Action } from "../domain/action.js";
import { type SecretName, secretNameProblem } from "../domain/secret-name.js";
import { AdministrationBrokerService } from "../gen/secretbroker/v1/administration_broker.js";
import { SecretBrokerService } from "../gen/secretbroker/v1/secret_broker.js";
import { VirtualKeyBrokerService } from "../gen/secretbroker/v1/virtual_key_broker.js";

const secretBroker = {
  readSecret: "read",
  batchReadSecrets: "read",
  listSecrets: "list",
  describeSecret: "describe",
  writeSecret: "write",
  activateSecretVersion: "activate",
  deleteSecret: "delete",
  restoreSecret: "restore",
  destroySecret: "destroy",
  rotateSecret: "rotate",
  watchSecrets: "watch",
} as const satisfies Record<keyof typeof SecretBrokerService, Action>;

const virtualKeyBroker = {
  storeVirtualKey: "write",
  rotateVirtualKey: "rotate",
  deleteVirtualKeys: "delete",
} as const satisfies Record<keyof typeof VirtualKeyBrokerService, Action>;

const administrationBroker = {
  getStatus: "administer",
  checkAccess: "administer",
  verifyAudit: "administer",
  reloadConfiguration: "administer",
  freezeSecret: "administer",
  unfreezeSecret: "administer",
  listConsumers: "administer",
} as const satisfies Record<keyof typeof AdministrationBrokerService, Action>;

const byPath: ReadonlyMap<string, Action> = new Map([
  ...pathsOf(SecretBrokerService, secretBroker),
  ...pathsOf(VirtualKeyBrokerService, virtualKeyBroker),
  ...pathsOf(AdministrationBrokerService, administrationBroker),
]);

/** What a call wants to do, as far as its method tells. @param method its full gRPC name: `secretbroker.v1.SecretBroker/ReadSecret` */
export function actionOf(method: string): Action {
  const action = byPath.get(method);
  if (action === undefined) throw new TypeError(`no action for ${method}`);
  return action;
}

/** The one secret a request is about; undefined where there is none, several, or no name that could be one. */
export function nameIn(request: unknown): SecretName | undefined {
  if (typeof request !== "object" || request === null || !("name" in request)) return undefined;
  const { name } = request;
  return typeof name === "string" && secretNameProblem(name) === undefined ? (name as SecretName) : undefined;
}

function pathsOf<Key extends string>(
  service: Readonly<Record<Key, { readonly path: string }>>,
  actions: Readonly<Record<Key, Action>>,
): [string, Action][] {
  const keys = Object.keys(actions) as Key[];
  return keys.map((key) => [service[key].path.slice(1), actions[key]]);
}
