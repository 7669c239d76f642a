import type { Auth } from '../../core/access-claims.js'
import type { Ports } from '../../ports/index.js'
import { Refused } from '../refused.js'

type RecentLoginPorts = Pick<Ports, 'policy' | 'clock'>

/**
 * Refuses with `insufficient_user_authentication` (RFC 9470) unless the user has logged in or re-authenticated lately: a
 * thief with an open browser or a stolen token must not sign the owner out (ASVS 7.5.2) or act as an admin (ASVS 7.5.3).
 */
export function requireRecentLogin(ports: RecentLoginPorts, auth: Auth): void {
  if (isLoginRecent(ports, auth)) return
  throw new Refused('insufficient_user_authentication', { maxAgeSeconds: ports.policy.reauthenticationSeconds })
}

export function isLoginRecent({ policy, clock }: RecentLoginPorts, { authTime }: Auth): boolean {
  const maxAgeSeconds = policy.reauthenticationSeconds
  return maxAgeSeconds === 0 || clock.now() / 1000 - authTime <= maxAgeSeconds
}
