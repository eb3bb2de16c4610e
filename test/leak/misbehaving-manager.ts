/**
 * A class that says its secret wherever it can: in what it throws, rejects, throws from a timer and leaves behind.
 * The value comes from its own file's folder, so that no command line or environment holds it.
 */
export const misbehavingManager = `
import { readFileSync } from "node:fs";

const { held } = JSON.parse(readFileSync(new URL("./canaries.json", import.meta.url), "utf8"));

export class MisbehavingManager {
  #values = new Map([["HELD", held]]);

  readSecret(name, call) {
    switch (name) {
      case "THROWS": throw new Error("cannot parse " + held);
      case "THROWS_STRING": throw held;
      case "REJECTS": return Promise.reject(new Error("nested", { cause: new TypeError(held) }));
      case "NAMED": throw Object.assign(new Error("x"), { name: held, code: held });
      case "JSON": return JSON.parse(held);
      case "NUMBER": return { value: 42, description: held };
      case "OPTIONS": throw new Error(JSON.stringify(call.options));
      case "LATER": setTimeout(() => { Promise.reject(new Error(held)); }, 1); return undefined;
      default: return this.#values.get(name);
    }
  }

  writeSecret(name, value) {
    if (name === "REFUSED") throw new Error("will not store " + String(value));
    this.#values.set(name, value);
  }

  deleteSecret(name) {
    return this.#values.delete(name);
  }

  checkHealth() {
    throw new Error("unhealthy because of " + held);
  }
}
`;
