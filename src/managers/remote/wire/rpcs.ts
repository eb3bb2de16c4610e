import { status } from "@grpc/grpc-js";
import * as messages from "../../../gen/secretbroker/manager/v1/secret_manager.js";
import { type malformedMessage, strictDecode } from "../../../rpc/strict-decode.js";

/** One RPC of a manager as the broker calls it. */
export interface ManagerRpc<Request, Response> {
  /** Its full name, for grpc-js. */
  readonly path: string;
  readonly serialize: (request: Request) => Buffer;
  /** Text that is not UTF-8 makes a message malformed, instead of being repaired. */
  readonly deserialize: (bytes: Buffer) => Response | typeof malformedMessage;
  /** The statuses that are answers to it rather than failures, besides those that any RPC may end with. */
  readonly answers: readonly status[];
}

interface Definition<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

type MessageType<T> = Parameters<typeof strictDecode<T>>[0];

function rpc<Request, Response>(
  { path, requestSerialize }: Definition<Request, Response>,
  response: MessageType<Response>,
  answers: readonly status[] = [],
): ManagerRpc<Request, Response> {
  const deserialize = (bytes: Buffer): Response | typeof malformedMessage => strictDecode(response, bytes);
  return { path, serialize: requestSerialize, deserialize, answers };
}

const { NOT_FOUND, ABORTED, ALREADY_EXISTS, OUT_OF_RANGE, FAILED_PRECONDITION } = status;
const service: Service = messages.SecretManagerService;

type Service = typeof messages.SecretManagerService;

/** Every RPC of `secretbroker.manager.v1.SecretManager`. */
export const managerRpcs: {
  readonly [K in keyof Service]: ManagerRpc<
    Parameters<Service[K]["requestSerialize"]>[0],
    ReturnType<Service[K]["responseDeserialize"]>
  >;
} = {
  handshake: rpc(service.handshake, messages.HandshakeResponse, [FAILED_PRECONDITION]),
  validateEnvironment: rpc(service.validateEnvironment, messages.ValidateEnvironmentResponse),
  checkHealth: rpc(service.checkHealth, messages.CheckHealthResponse),
  readSecret: rpc(service.readSecret, messages.ReadSecretResponse, [NOT_FOUND]),
  batchReadSecrets: rpc(service.batchReadSecrets, messages.BatchReadSecretsResponse, [NOT_FOUND]),
  writeSecret: rpc(service.writeSecret, messages.WriteSecretResponse, [ABORTED, ALREADY_EXISTS]),
  deleteSecret: rpc(service.deleteSecret, messages.DeleteSecretResponse, [ABORTED, ALREADY_EXISTS]),
  rotateSecret: rpc(service.rotateSecret, messages.RotateSecretResponse, [NOT_FOUND, ALREADY_EXISTS]),
  listSecrets: rpc(service.listSecrets, messages.ListSecretsResponse),
  describeSecret: rpc(service.describeSecret, messages.DescribeSecretResponse, [NOT_FOUND]),
  activateSecretVersion: rpc(service.activateSecretVersion, messages.ActivateSecretVersionResponse, [
    NOT_FOUND,
    ABORTED,
  ]),
  restoreSecret: rpc(service.restoreSecret, messages.RestoreSecretResponse, [NOT_FOUND, ALREADY_EXISTS]),
  destroySecret: rpc(service.destroySecret, messages.DestroySecretResponse, [NOT_FOUND]),
  watchSecrets: rpc(service.watchSecrets, messages.WatchSecretsResponse, [OUT_OF_RANGE]),
};
