/** How long requests that run may take when their deployment or endpoint ends. */
export { STOP_GRACE_MS as GRACE_MS } from "../../src/host.ts";
