/**
 * The broker as a library: the same process the command `secret-broker serve` runs.
 * @packageDocumentation
 */
export { type RunningBroker, startBrokerProcess, type StartOptions } from "./start-broker-process.js";
export { loadConfig } from "../config/load-config.js";
export { ConfigError } from "../config/config-error.js";
