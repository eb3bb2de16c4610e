import { z } from "zod";
import type { CertificatesConfig, ForwardedConfig } from "./authentication-config.js";

const maxEntries = 10_000;

const nameSchema = z.string().min(1).max(512);

const trustDomainSchema = z.string().regex(/^[a-z0-9._-]{1,255}$/u, {
  error: "must be a trust domain in lower case such as example.org, without spiffe://",
});

const label = "(?!-)[a-z0-9-]{1,63}(?<!-)";

const dnsNameSchema = z
  .string()
  .max(253)
  .regex(new RegExp(String.raw`^(?:\*\.)?${label}(?:\.${label})*$`, "u"), {
    error: "must be a DNS name in lower case such as jobs.example.org, or *.example.org for each name below that",
  });

const certificateSchema = z.string().regex(/^(?:spiffe:\/\/[a-z0-9._-]+(?:\/[A-Za-z0-9._-]+)+|dns:[a-z0-9.-]+)$/u, {
  error: "must be the SPIFFE ID of a certificate, or dns: and its DNS name",
});

/** `secret_broker.authentication.certificates`. */
export const certificatesSchema: z.ZodType<CertificatesConfig> = z
  .strictObject({
    trust_domains: z
      .array(trustDomainSchema)
      .max(maxEntries)
      .default([])
      .describe("Trust domains of SPIFFE. Whoever has a SPIFFE ID of one is the principal `spiffe://…`."),
    dns_names: z
      .array(dnsNameSchema)
      .max(maxEntries)
      .default([])
      .describe(
        "DNS names that are taken where a certificate has no URI: its owner is the principal `dns:NAME`. `*.` stands for one label.",
      ),
    principals: z
      .array(
        z.strictObject({
          certificate: certificateSchema.describe("The SPIFFE ID, or `dns:NAME`."),
          principal: nameSchema.describe("What its owner is called instead."),
          groups: z.array(nameSchema).max(1_000).default([]).describe("The groups it is in."),
        }),
      )
      .max(maxEntries)
      .default([])
      .describe("Other names for those who have a certificate."),
  })
  .transform(({ trust_domains, dns_names, principals }, context): CertificatesConfig => {
    if (trust_domains.length + dns_names.length === 0) {
      context.addIssue("accepts no certificate; add trust_domains or dns_names");
    }
    const known = new Set<string>();
    for (const [index, { certificate }] of principals.entries()) {
      const message = "stands in the list already; remove one";
      if (known.has(certificate))
        context.addIssue({ code: "custom", message, path: ["principals", index, "certificate"] });
      known.add(certificate);
    }
    return { trustDomains: trust_domains, dnsNames: dns_names, principals };
  })
  .describe("Client certificates, whose authority a listener's `tls.client_ca` names.");

/** `secret_broker.authentication.forwarded`. */
export const forwardedSchema: z.ZodType<ForwardedConfig> = z
  .strictObject({
    proxies: z
      .array(nameSchema)
      .min(1)
      .max(1_000)
      .describe(
        "The principals of proxies, proven by their own certificates, whose `x-forwarded-client-cert` is believed. They speak for others only.",
      ),
  })
  .describe("Client certificates that a proxy has seen.");
