import { storeCapabilities } from "../store/open-test-store.js";
import { describeOverGrpc, openBrokerAsManager } from "./broker-as-manager.js";
import { subjects } from "./subjects.js";

const { capabilities } = subjects.memory;

describeOverGrpc("memory", () => openBrokerAsManager("{ kind: memory }", capabilities), capabilities);

const sqlite = "{ kind: sqlite, path: secrets.db }";
describeOverGrpc("sqlite", () => openBrokerAsManager(sqlite, storeCapabilities), storeCapabilities);
