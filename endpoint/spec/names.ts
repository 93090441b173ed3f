// What endpoints and deployments may be called.

/** Characters of a name, which is a folder's name too. */
export const MAX_NAME_LENGTH = 63;

/** An endpoint's, in any case (contract EP-6). Azure allows 3 to 32 characters, and its client does not check that. */
export const ENDPOINT_NAME: RegExp = /^[a-z](?:[a-z0-9-]*[a-z0-9])?$/i;

/** The rule in words, for messages. */
export const ENDPOINT_NAME_RULE = "only letters, digits and dashes, begin with a letter and not end with a dash";

/** A deployment's, in lower case: it can be a folder's name and a header's value. */
export const DEPLOYMENT_NAME: RegExp = /^[a-z0-9][a-z0-9._-]{0,62}$/;
