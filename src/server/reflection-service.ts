import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import { type DescriptorFile, descriptorFiles } from "../gen/descriptor-set.js";
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
} from "../gen/grpc/reflection/v1/reflection.js";
import { ServerReflectionService as ServerReflectionServiceAlpha } from "../gen/grpc/reflection/v1alpha/reflection.js";
import type { ServedService } from "./services.js";
import { refusalOfLong, tooLong, withShortRequests } from "./short-requests.js";

type Answer = NonNullable<ServerReflectionResponse["messageResponse"]>;
type Question = ServerReflectionRequest | typeof tooLong;
type ReflectionCall = ServerDuplexStream<Question, ServerReflectionResponse>;

/** The most bytes of a question; a name of a file or a symbol takes some dozens. */
const maxQuestionBytes = 1_024;

/** How many streams are open at once: each costs what its caller has asked ahead, up to some hundred kilobytes. */
const maxStreams = 256;

const refusalOfQuestion = refusalOfLong(maxQuestionBytes, "ask for one file or symbol by its name");
const refusalOfStream = {
  code: status.RESOURCE_EXHAUSTED,
  details: "too many streams of reflection are open: ask again later",
};

// file name → file
const filesByName = new Map(descriptorFiles.map((file) => [file.name, file]));
// full name of a message, enum, service or method → the file that defines it
const filesBySymbol = new Map(descriptorFiles.flatMap((file) => file.symbols.map((symbol) => [symbol, file] as const)));

/**
 * Server reflection, v1 and v1alpha: the same messages under two names. Serves the descriptors `buf build` made, with
 * all they import, as lossy ones are refused by some clients. Anyone who can connect may
 * ask, so no more than 256 streams are open at once, a question has at most 1,024 bytes, and each waits until the answer
 * before was taken.
 * @param serviceNames the services to list, asked anew for each listing
 */
export function reflectionServices(serviceNames: () => readonly string[]): ServedService[] {
  let openStreams = 0;
  const implementation = {
    serverReflectionInfo: (call: ReflectionCall) => {
      if (openStreams >= maxStreams) {
        call.emit("error", refusalOfStream);
        return;
      }
      openStreams += 1;
      call.once("close", () => (openStreams -= 1));
      answerEach(call, serviceNames);
    },
  };
  return [ServerReflectionService, ServerReflectionServiceAlpha].map((definition) => ({
    definition: withShortRequests(definition, maxQuestionBytes),
    implementation,
    isIdentified: false,
  }));
}

/** Takes the next question once the answer before is on its way, so that whoever asks faster waits. */
function answerEach(call: ReflectionCall, serviceNames: () => readonly string[]): void {
  call.on("data", (question: Question) => {
    call.pause();
    if (question === tooLong) call.emit("error", refusalOfQuestion);
    else call.write(responseTo(question, serviceNames), () => call.resume());
  });
  call.on("end", () => {
    call.end();
  });
}

function responseTo(request: ServerReflectionRequest, serviceNames: () => readonly string[]): ServerReflectionResponse {
  const messageResponse = answer(request.messageRequest, serviceNames);
  return { validHost: request.host, originalRequest: request, messageResponse };
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
