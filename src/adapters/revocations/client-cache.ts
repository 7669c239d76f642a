import { recentlyUsed } from '../../core/recently-used.js'
import type { AuthenticatedClient, ClientResolver } from '../../ports/clients.js'
import type { RevocationFeed } from '../../ports/revocations.js'
import type { Clock } from '../../ports/runtime.js'

interface ClientCacheOptions {
  readonly clients: ClientResolver
  readonly feed: Pick<RevocationFeed, 'state'>
  /** Whether an entry of the feed says that the secret is deleted. */
  hasEnded(sid: string): boolean
  readonly clock: Pick<Clock, 'now'>
}

/** Less than an entry of the feed lives, so a deleted secret is never forgotten while its client is remembered. */
const maxAgeMilliseconds = 30_000
const capacity = 1000

/**
 * Keeps clients that have proved their secret in memory, so that a service that introspects by its id and secret costs no
 * query for each token. The feed ends a deleted secret at once. While the feed is stale, every request asks the store.
 */
export function clientCache({ clients, feed, hasEnded, clock }: ClientCacheOptions): ClientResolver {
  const cached = recentlyUsed<{ readonly client: AuthenticatedClient; readonly readAt: number }>(capacity)

  return {
    async authenticate(clientId, secretHash) {
      const key = `${clientId} ${secretHash}`
      const known = cached.get(key)
      const isFresh = known !== undefined && clock.now() - known.readAt < maxAgeMilliseconds
      if (isFresh && !feed.state().stale) return hasEnded(known.client.secretId) ? undefined : known.client
      const readAt = clock.now()
      const client = await clients.authenticate(clientId, secretHash)
      if (client !== undefined) cached.set(key, { client, readAt })
      return client
    }
  }
}
