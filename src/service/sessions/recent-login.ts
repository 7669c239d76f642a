import { type Auth, isLoginRecent } from '../../core/access-claims.js'
import type { Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'

export type RecentLoginPorts = Pick<Ports, 'policy' | 'clock'>

/**
 * Refuses with `insufficient_user_authentication` (RFC 9470) unless the user has logged in or re-authenticated lately: a
 * thief with an open browser or a stolen token must not sign the owner out (ASVS 7.5.2) or act as an admin (ASVS 7.5.3).
 * `maxAgeSeconds` is `REAUTHENTICATION_SECONDS` by default; 0 refuses nobody.
 */
export function requireRecentLogin(
  ports: RecentLoginPorts,
  auth: Auth,
  maxAgeSeconds = ports.policy.reauthenticationSeconds
): void {
  if (isLoginRecent(auth, maxAgeSeconds, ports.clock.now())) return
  throw new Refused('insufficient_user_authentication', { maxAgeSeconds })
}
