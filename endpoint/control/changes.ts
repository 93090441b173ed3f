import type { Document } from "../types.ts";
import type { Change, FilesPart, Progress } from "./types.ts";

/** What an update changes in a document. */
export interface DocumentUpdate {
  /** Null: no file was given. */
  readonly document: Document | null;
  readonly changes: readonly Change[];
  /** Where relative paths begin: the folder of the file, or the one that the user is in. */
  readonly folder: string;
}

/** The document that an update makes of the old one. @throws ScoreError when it cannot be used */
export function updated(
  files: FilesPart,
  kind: "endpoint" | "deployment",
  old: Document,
  { document, changes, folder }: DocumentUpdate,
  progress: Progress = () => {},
): Document {
  if (document === null && changes.length === 0) return old;
  const merged = document === null ? old : files.mergeDocuments(old, document);
  const changed = changes.reduce((current, change) => apply(files, current, change), merged);
  const { document: checked, warnings } = files.checkDocument(kind, changed, folder);
  // The command that has read the file has shown its warnings.
  if (changes.length > 0) for (const warning of warnings) progress(`warning: ${warning}`);
  return checked;
}

function apply(files: FilesPart, document: Document, { kind, words, forceString }: Change): Document {
  switch (kind) {
    case "set":
      return words.reduce((current, word) => files.setValue(current, word, forceString), document);
    case "add":
      return files.addValue(document, words, forceString);
    case "remove":
      return files.removeValue(document, words);
  }
}
