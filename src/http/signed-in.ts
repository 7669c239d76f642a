import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isGuardableRequest, requestAuth } from '../core/request-auth.js'
import type { OpenedCredential, SignedInWatch, WatchOptions } from '../core/signed-in-watch.js'
import { signedInWatches } from '../core/signed-in-watches.js'
import type { Ports } from '../ports/index.js'
import { watchedSession, watchedToken } from '../service/sessions/watched-credentials.js'
import { presentedBearer } from './credentials.js'

/** `app.latchkey.whileSignedIn`. A closing app ends all connections: it waits for open responses. */
export function whileSignedIn(app: FastifyInstance, ports: Ports) {
  const { revocationFeed: feed, revocations, accessTokens, clock, metrics } = ports
  const watches = signedInWatches({
    now: clock.now,
    nextTurn: (run) => void setImmediate(run),
    everySecond(run) {
      const timer = setInterval(run, 1000).unref()
      return () => clearInterval(timer)
    },
    isStale: () => feed.state().stale,
    deniesWhenStale: revocations.deniesWhenStale,
    onFailure: (err) => app.log.error({ err }, 'The onEnd of a whileSignedIn has failed')
  })
  metrics.showConnections(() => watches.size)
  const stopFollowing = feed.follow((entries) => {
    for (const entry of entries) watches.revoke(entry)
  })
  const stopFollowingKeys = accessTokens.followKeys(watches.recheck)
  app.addHook('preClose', async () => {
    stopFollowing()
    stopFollowingKeys()
    await watches.close()
  })

  const ofToken = (token: string) => watchedToken(ports, token)
  const opened = (credential: FastifyRequest | string): OpenedCredential => {
    if (typeof credential === 'string') return ofToken(credential)
    if (!isGuardableRequest(credential)) return 'invalid_token'
    const auth = requestAuth(credential)
    const token = presentedBearer(credential)
    return token === undefined ? watchedSession(ports, auth) : ofToken(token)
  }
  return (credential: FastifyRequest | string, options: WatchOptions): SignedInWatch =>
    watches.start(opened(credential), ofToken, options)
}
