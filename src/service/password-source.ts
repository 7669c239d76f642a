import type { Actor, PasswordSource } from '../ports/index.js'

/** The source of a password that `actor` sent. */
export function sourceOf({ ip = '' }: Actor, knownDevice: boolean): PasswordSource {
  return { network: ip, knownDevice }
}
