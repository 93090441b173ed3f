import { readTemplate } from "../templates/index.ts";

/** The function that CodeDeploy calls before a new version gets requests.
 *  @param request body of a request to /score that every version must answer; undefined: being ready is enough
 *  @returns contents by their paths below the function's folder */
export function renderCheck(request: string | Uint8Array | undefined): Record<string, string | Uint8Array> {
  const program = { "check.mjs": readTemplate("aws-lambda/check.mjs") };
  return request === undefined ? program : { ...program, "check-request.json": request };
}
