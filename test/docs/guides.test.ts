import { followDocument } from "./follow-document.js";
import { guides, readBlocks } from "./markdown.js";

// The README has a file of its own, as it is followed for longer than all the others.
for (const guide of guides) if (guide !== "README.md" && readBlocks(guide).length > 0) followDocument(guide);
