import type { HttpMethod } from "@azure/functions";

/** Every method a request object can be made for. The host answers one that is not listed 404 without a body, so those
 *  that a route does not take are left to the core, which says so. */
export const METHODS: HttpMethod[] = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"];
