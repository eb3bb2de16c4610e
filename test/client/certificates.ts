import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ServerCredentials } from "@grpc/grpc-js";

/** A certificate with its key, in files and as text. */
export interface TestCertificate {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly certificate: string;
  readonly key: string;
}

/** An authority that openssl made, and what it signs. */
export class TestAuthority {
  readonly file: string;
  readonly certificate: string;
  readonly #directory: string;
  readonly #name: string;

  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
    this.file = join(directory, `${name}.pem`);
    openssl(directory, [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"],
      ...["-keyout", `${name}.key`, "-out", `${name}.pem`, "-subj", `/CN=${name}`],
    ]);
    this.certificate = readFileSync(this.file, "utf8");
  }

  /** Signs a certificate for some names, such as `DNS:localhost`. */
  sign(name: string, alternativeNames: string): TestCertificate {
    const base = `${this.#name}-${name}`;
    const extensions = join(this.#directory, `${base}.ext`);
    writeFileSync(extensions, `subjectAltName=${alternativeNames}\n`);
    openssl(this.#directory, [
      ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-keyout", `${base}.key`, "-out", `${base}.csr`, "-subj", `/CN=${name}`],
    ]);
    openssl(this.#directory, [
      ...["x509", "-req", "-in", `${base}.csr`, "-CA", `${this.#name}.pem`, "-CAkey", `${this.#name}.key`],
      ...["-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", `${base}.pem`],
    ]);
    const certificateFile = join(this.#directory, `${base}.pem`);
    const keyFile = join(this.#directory, `${base}.key`);
    const [certificate, key] = [readFileSync(certificateFile, "utf8"), readFileSync(keyFile, "utf8")];
    return { certificateFile, keyFile, certificate, key };
  }

  /** A server's credentials; with `mustProve` whoever connects needs a certificate of this authority. */
  serverCredentials({ certificate, key }: TestCertificate, mustProve = false): ServerCredentials {
    const pair = { cert_chain: Buffer.from(certificate), private_key: Buffer.from(key) };
    return ServerCredentials.createSsl(Buffer.from(this.certificate), [pair], mustProve);
  }
}

function openssl(cwd: string, parameters: readonly string[]): void {
  const { status, stderr } = spawnSync("openssl", parameters, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl ${parameters[0] ?? ""} failed: ${stderr}`);
}
