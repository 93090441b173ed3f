import { ambientFields } from "./ambient.ts";
import { JSON_FIELDS } from "./fields.ts";
import { formatJsonRecord } from "./json.ts";
import type { RecordStyle } from "./style.ts";

export const JSON_STYLE: RecordStyle = {
  format: "json",
  toLine: (timeMs, level, pid, logger, message, fields) =>
    formatJsonRecord(timeMs, level, pid, logger, message, ambientFields(fields)),
  fields: JSON_FIELDS,
};
