import { type Capability, capabilities } from "../../domain/capability.js";
import { isSecretError, SecretError } from "../../domain/secret-error.js";
import type { HandshakeResponse } from "../../gen/secretbroker/manager/v1/secret_manager.js";
import { invalidReply } from "./call-failure.js";
import type { ManagerChannel, WireCall } from "./manager-channel.js";
import { capabilityOfCode } from "./wire/capability-codes.js";
import { managerRpcs } from "./wire/rpcs.js";

/** The protocol versions the broker speaks. */
export const protocolVersions = { min: 1, max: 1 } as const;

/** What a manager says of itself. */
export interface ManagerHello {
  readonly protocolVersion: number;
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** 0 for the broker's own limit. */
  readonly maxPayloadBytes: number;
  /** 0 for any number. */
  readonly maxConcurrentCalls: number;
}

const maxNameLength = 128;

/** What cannot be had without something else. */
const needed: readonly (readonly [Capability, Capability])[] = [["grace_period", "rotate"]];

/**
 * Shakes hands on a new connection.
 * @throws SecretError `CONFIG_INVALID` when no protocol version is shared, `MANAGER_REPLY_INVALID`, or why it could not answer
 */
export async function shakeHands(
  channel: ManagerChannel,
  brokerVersion: string,
  call: WireCall,
): Promise<ManagerHello> {
  const { min: minProtocolVersion, max: maxProtocolVersion } = protocolVersions;
  const request = { minProtocolVersion, maxProtocolVersion, brokerVersion };
  try {
    return helloOf(await channel.ask(managerRpcs.handshake, request, call));
  } catch (thrown) {
    if (isSecretError(thrown) && isPrecondition(thrown.cause)) throw noVersionInCommon(thrown);
    throw thrown;
  }
}

function helloOf(response: HandshakeResponse): ManagerHello {
  const { protocolVersion, name, maxPayloadBytes, maxConcurrentCalls } = response;
  if (protocolVersion < protocolVersions.min || protocolVersion > protocolVersions.max) throw noVersionInCommon();
  // The name stands in messages and logs.
  if (name === "" || name.length > maxNameLength || !/^[^\p{C}\u2028\u2029]*$/u.test(name)) {
    throw invalidReply("a name that is not 1 to 128 printable characters");
  }
  const said = new Set(response.capabilities.flatMap((code) => capabilityOfCode(code) ?? []));
  for (const [capability, other] of needed) if (!said.has(other)) said.delete(capability);
  return {
    protocolVersion,
    name,
    capabilities: new Set(capabilities.filter((capability) => said.has(capability))),
    maxPayloadBytes: Number(maxPayloadBytes),
    maxConcurrentCalls,
  };
}

function isPrecondition(cause: unknown): boolean {
  return typeof cause === "object" && cause !== null && "code" in cause && cause.code === 9;
}

function noVersionInCommon(cause?: unknown): SecretError {
  const ours = String(protocolVersions.max);
  return new SecretError("CONFIG_INVALID", `the manager does not speak version ${ours} of the protocol`, { cause });
}
