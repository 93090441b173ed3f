/** The package's own version; a test holds it equal to package.json (importing JSON warns on Node 20). */
export const VERSION = "0.1.0";
/** As it stands in headers, banner and handshake. */
export const PRODUCT: string = `scorefn/${VERSION}`;
