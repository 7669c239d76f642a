/**
 * The claims that only Latchkey sets: those of an access token (`AccessClaims`), those that the verifiers of other makers
 * check (RFC 7519 §4.1, RFC 7800, RFC 9068 §2.2, RFC 9470), the members of an introspection (RFC 7662 §2.2), and those that
 * a later version may set.
 */
const reservedClaims: ReadonlySet<string> = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'sid',
  'client_id',
  'scope',
  'auth_time',
  'amr',
  'acr',
  'roles',
  'cnf',
  'azp',
  'act',
  'may_act',
  'typ',
  'active',
  'token_type',
  'username',
  // An object with a member of this name changes its prototype where it is copied by assignment.
  '__proto__'
])

/** Whether a claim of this name is Latchkey's own: neither the host nor an attribute can set it. */
export const isReservedClaim = (name: string): boolean => reservedClaims.has(name)
