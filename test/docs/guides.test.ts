import { followDocument } from "./follow-document.js";
import { guides, readBlocks } from "./markdown.js";

// These have files of their own, as they are followed for longer than all the others.
const apart: readonly string[] = ["README.md", "docs/stubs.md"];
for (const guide of guides) if (!apart.includes(guide) && readBlocks(guide).length > 0) followDocument(guide);
