import { resolve } from "node:path";
import { z } from "zod";

/** The same on Linux for a path's length; a longer one names no file. */
const maxPathLength = 4_096;

/** The path of a file, which may be missing. @param directory what relative paths are relative to */
export function filePathSchema(directory: string): z.ZodType<string, string> {
  return z
    .string()
    .min(1)
    .max(maxPathLength)
    .refine((path) => !path.includes("\0"), { error: "must not contain a zero character; write the path of a file" })
    .transform((path) => resolve(directory, path));
}

/** The name of an environment variable. */
export const variableSchema: z.ZodType<string, string> = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/u, { error: "must be the name of an environment variable" });
