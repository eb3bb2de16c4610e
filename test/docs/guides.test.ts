import { followDocument } from "./follow-document.js";
import { guides } from "./markdown.js";

for (const guide of guides) if (guide !== "README.md") followDocument(guide);
