import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a certificate says. */
export interface CertificateWish {
  /** As in OpenSSL's configuration, such as `URI:spiffe://example.org/app`, or whole sections that begin with `@`. */
  readonly san?: string;
  readonly subject?: string;
  readonly usage?: "clientAuth" | "serverAuth";
  /** In seconds from now on. */
  readonly fromSeconds?: number;
  readonly toSeconds?: number;
  readonly isAuthority?: boolean;
}

/** A certificate with its key, both PEM, and the files they are in. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

const daySeconds = 86_400;

const config = `[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
rand_serial = yes
[any]
commonName = optional
`;

/** An authority for tests: real certificates, made by OpenSSL in a folder of its own. */
export class TestAuthority {
  readonly #folder: string;
  /** Its certificate, PEM. */
  readonly certificate: string;
  readonly certificateFile: string;

  /** @param issuer another authority for an intermediate one */
  constructor(parent: string, name: string, issuer?: TestAuthority) {
    this.#folder = join(parent, name);
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(join(this.#folder, "ca.cnf"), config);
    writeFileSync(join(this.#folder, "index.txt"), "");
    this.certificateFile = join(this.#folder, "ca.crt");
    if (issuer === undefined) {
      this.#openssl(
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "99"],
        ...["-keyout", "ca.key", "-out", "ca.crt", "-subj", `/CN=${name}`],
      );
    } else {
      const { certificate, key } = issuer.issue(name, { subject: `/CN=${name}`, isAuthority: true });
      writeFileSync(this.certificateFile, certificate);
      writeFileSync(join(this.#folder, "ca.key"), key, { mode: 0o600 });
    }
    this.certificate = readFileSync(this.certificateFile, "utf8");
  }

  /** Makes a key and a certificate. */
  issue(name: string, wish: CertificateWish = {}): Issued {
    const { san, subject = "/CN=a", usage, fromSeconds = -60, toSeconds = daySeconds, isAuthority = false } = wish;
    const extensions = [
      isAuthority ? "basicConstraints=critical,CA:TRUE" : "basicConstraints=CA:FALSE",
      ...(usage === undefined ? [] : [`extendedKeyUsage=${usage}`]),
      ...(san === undefined ? [] : [`subjectAltName=${san}`]),
    ];
    writeFileSync(join(this.#folder, `${name}.ext`), `${extensions.join("\n")}\n`);
    const request = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject];
    this.#openssl("req", ...request, "-keyout", `${name}.key`, "-out", `${name}.csr`);
    this.#openssl(
      ...["ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.crt", "-keyfile", "ca.key"],
      ...["-startdate", timeText(fromSeconds), "-enddate", timeText(toSeconds), "-extfile", `${name}.ext`],
      ...["-in", `${name}.csr`, "-out", `${name}.crt`],
    );
    const [certificateFile, keyFile] = [join(this.#folder, `${name}.crt`), join(this.#folder, `${name}.key`)];
    const [certificate, key] = [readFileSync(certificateFile, "utf8"), readFileSync(keyFile, "utf8")];
    return { certificate, key, certificateFile, keyFile };
  }

  #openssl(...parameters: readonly string[]): void {
    const { status, stderr } = spawnSync("openssl", parameters, { cwd: this.#folder, encoding: "utf8" });
    if (status !== 0) throw new Error(`openssl ${parameters.join(" ")} failed: ${stderr}`);
  }
}

function timeText(secondsFromNow: number): string {
  const iso = new Date(Date.now() + secondsFromNow * 1_000).toISOString();
  return `${iso.slice(0, 19).replaceAll(/[-T:]/gu, "")}Z`;
}
