/** A client has at most this many scopes, so that its access tokens stay small. */
export const maxScopes = 32

/** The scopes of our own routes. */
export const serviceScopes = ['latchkey:introspect', 'latchkey:revoke', 'latchkey:feed'] as const

export type ServiceScope = (typeof serviceScopes)[number]

/** RFC 6749 §3.3. The length is our own limit. */
const scopeGrammar = /^[!#-[\]-~]{1,64}$/

/** Whether `text` is a scope as RFC 6749 §3.3 has them. */
export function isScope(text: string): boolean {
  return scopeGrammar.test(text)
}

/**
 * Whether a client can have the scope. Names are free, but those that begin with `latchkey:` are ours: one that we do not
 * know is a mistake, or belongs to a newer version.
 */
export function isGrantableScope(text: string): boolean {
  return isScope(text) && (!text.startsWith('latchkey:') || serviceScopes.some((scope) => scope === text))
}

/**
 * The scopes of a token for a client that has `allowed` and asks for `requested`, a list separated by single spaces; all
 * of them if it asks for none. Undefined if it asks for a scope that it does not have.
 */
export function grantedScopes(
  allowed: readonly string[],
  requested: string | undefined
): readonly string[] | undefined {
  if (requested === undefined) return allowed
  const wanted = [...new Set(requested.split(' '))]
  return wanted.every((scope) => allowed.includes(scope)) ? wanted : undefined
}

/** Whether the `scope` claim of a token contains `scope`. */
export function hasScope(claim: string, scope: string): boolean {
  return ` ${claim} `.includes(` ${scope} `)
}
