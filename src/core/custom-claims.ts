// This file has one export, because the package exports all of it with `*`: only so can a host add members.

/**
 * The claims that your app adds to access tokens, by the option `claims` or by `TOKEN_ATTRIBUTES`. Empty until you declare
 * them; then `request.auth.claims` has these types.
 *
 * @example
 * ```ts
 * import type { CustomClaims } from 'latchkey'
 *
 * declare module 'latchkey' {
 *   interface CustomClaims {
 *     readonly plan?: 'free' | 'pro'
 *   }
 * }
 *
 * const mayExport = ({ plan }: CustomClaims) => plan === 'pro'
 * console.log(mayExport({ plan: 'pro' })) // true
 * ```
 */
// biome-ignore lint/suspicious/noEmptyInterface: a host adds the members.
export interface CustomClaims {}
