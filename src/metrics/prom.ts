// Built into one file with all that it needs (bundles.mjs), so that an installed server brings no further package.
export { Registry } from "prom-client";
