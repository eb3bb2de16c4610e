import { AdministrationBrokerService as service } from "../../gen/secretbroker/v1/administration_broker.js";
import {
  type CheckAccessAnswer,
  type CheckAccessRequest,
  decodeCheckAccess,
  decodeFreeze,
  decodeListConsumers,
  decodeReload,
  decodeVerifyAudit,
  encodeCheckAccess,
  encodeFreeze,
  encodeListConsumers,
  encodeVerifyAudit,
  type FreezeAnswer,
  type FreezeRequest,
  type ListConsumersAnswer,
  type ListConsumersRequest,
  type VerifyAuditAnswer,
  type VerifyAuditRequest,
} from "../administration-messages.js";
import { type BrokerStatusAnswer, decodeBrokerStatus } from "../broker-status.js";
import { always, defineRpc, never, type Rpc } from "../calls/rpc.js";
import { encodeText } from "../encode-field.js";

/** Asks nothing in particular. */
export type NoFields = Readonly<Record<string, never>>;

/** Names one secret. */
export interface NamedRequest {
  readonly name: string;
}

/** The RPCs of `secretbroker.v1.AdministrationBroker`. */
export interface AdministrationRpcs {
  readonly getStatus: Rpc<NoFields, BrokerStatusAnswer>;
  readonly checkAccess: Rpc<CheckAccessRequest, CheckAccessAnswer>;
  readonly verifyAudit: Rpc<VerifyAuditRequest, VerifyAuditAnswer>;
  readonly reloadConfiguration: Rpc<NoFields, readonly string[]>;
  readonly freezeSecret: Rpc<FreezeRequest, FreezeAnswer>;
  readonly unfreezeSecret: Rpc<NamedRequest, void>;
  readonly listConsumers: Rpc<ListConsumersRequest, ListConsumersAnswer>;
}

/** {@inheritDoc AdministrationRpcs} */
export const administrationRpcs: AdministrationRpcs = {
  getStatus: defineRpc(service.getStatus, { encode: nothing, decode: decodeBrokerStatus, isRepeatable: always }),
  checkAccess: defineRpc(service.checkAccess, {
    encode: encodeCheckAccess,
    decode: decodeCheckAccess,
    isRepeatable: always,
  }),
  verifyAudit: defineRpc(service.verifyAudit, {
    encode: encodeVerifyAudit,
    decode: decodeVerifyAudit,
    isRepeatable: always,
  }),
  reloadConfiguration: defineRpc(service.reloadConfiguration, {
    encode: nothing,
    decode: decodeReload,
    isRepeatable: never,
  }),
  freezeSecret: defineRpc(service.freezeSecret, { encode: encodeFreeze, decode: decodeFreeze, isRepeatable: never }),
  unfreezeSecret: defineRpc(service.unfreezeSecret, {
    encode: ({ name }: NamedRequest) => ({ name: encodeText("name", name) }),
    decode: () => undefined,
    isRepeatable: never,
  }),
  listConsumers: defineRpc(service.listConsumers, {
    encode: encodeListConsumers,
    decode: decodeListConsumers,
    isRepeatable: always,
  }),
};

function nothing(): NoFields {
  return {};
}
