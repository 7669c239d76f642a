import { clientNetwork } from '../network-address.js'
import type { Actor, PasswordSource } from '../ports/index.js'

/** The source of a password that `actor` sent. The command line has no address. */
export function sourceOf({ ip = '' }: Actor, knownDevice: boolean): PasswordSource {
  return { network: clientNetwork(ip), knownDevice }
}
