import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import { type DescriptorFile, descriptorFiles } from "../gen/descriptor-set.js";
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
} from "../gen/grpc/reflection/v1/reflection.js";
import { ServerReflectionService as ServerReflectionServiceAlpha } from "../gen/grpc/reflection/v1alpha/reflection.js";
import type { ServedService } from "./services.js";

type Answer = NonNullable<ServerReflectionResponse["messageResponse"]>;
type ReflectionCall = ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>;

// file name → file
const filesByName = new Map(descriptorFiles.map((file) => [file.name, file]));
// full name of a message, enum, service or method → the file that defines it
const filesBySymbol = new Map(descriptorFiles.flatMap((file) => file.symbols.map((symbol) => [symbol, file] as const)));

/**
 * Server reflection, v1 and v1alpha: the same messages under two names. Serves the descriptors `buf build` made, with
 * all they import, as lossy ones are refused by some clients.
 * @param serviceNames the services to list, asked anew for each listing
 */
export function reflectionServices(serviceNames: () => readonly string[]): ServedService[] {
  const implementation = {
    serverReflectionInfo: (call: ReflectionCall) => {
      call.on("data", (request: ServerReflectionRequest) => {
        const messageResponse = answer(request.messageRequest, serviceNames);
        call.write({ validHost: request.host, originalRequest: request, messageResponse });
      });
      call.on("end", () => {
        call.end();
      });
    },
  };
  return [ServerReflectionService, ServerReflectionServiceAlpha].map((definition) => ({
    definition,
    implementation,
    isIdentified: false,
  }));
}

function answer(request: ServerReflectionRequest["messageRequest"], serviceNames: () => readonly string[]): Answer {
  switch (request?.$case) {
    case "listServices":
      return {
        $case: "listServicesResponse",
        value: { service: serviceNames().map((name) => ({ name })) },
      };
    case "fileByFilename":
      return fileAnswer(filesByName.get(request.value), request.value);
    case "fileContainingSymbol":
      return fileAnswer(filesBySymbol.get(request.value), request.value);
    case "allExtensionNumbersOfType":
    case "fileContainingExtension":
      return failure(status.NOT_FOUND, "there are no extensions");
    case undefined:
      return failure(status.INVALID_ARGUMENT, "the request asks nothing");
  }
}

function fileAnswer(file: DescriptorFile | undefined, wanted: string): Answer {
  if (file === undefined) return failure(status.NOT_FOUND, `"${wanted.slice(0, 512)}" is not served`);
  const files = [...withImports(file, new Set())];
  return {
    $case: "fileDescriptorResponse",
    value: { fileDescriptorProto: files.map(({ descriptor }) => Buffer.from(descriptor, "base64")) },
  };
}

/** A file and all it imports, each once, the file itself first. */
function withImports(file: DescriptorFile, seen: Set<DescriptorFile>): Set<DescriptorFile> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const name of file.dependencies) {
    const imported = filesByName.get(name);
    if (imported !== undefined) withImports(imported, seen);
  }
  return seen;
}

function failure(errorCode: status, errorMessage: string): Answer {
  return { $case: "errorResponse", value: { errorCode, errorMessage } };
}
