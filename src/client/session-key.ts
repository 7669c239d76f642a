import { attempt } from './runtime/runtime.js'
import type { StoredText } from './storage.js'

/**
 * The session's idempotency key: one random text that all tabs share until the session ends. With it, the service can
 * finish a refresh whose response was lost. It is sent only after it was stored: a key that is lost before the session
 * ends is worse than none, because the service then accepts no other key with an older token.
 */
export function sessionKey(stored: StoredText) {
  const read = async () => {
    const text = await stored.read()
    return text && keyPattern.test(text) ? text : undefined
  }
  const peek = () => read().catch(() => undefined)

  /** Stores a new key, and returns what the storage holds then. */
  async function renew(): Promise<string | undefined> {
    const key = attempt(createKey)
    if (key) await stored.write(key)
    return peek()
  }

  return {
    renew,
    /** The key to send; undefined if none can be stored. Rejects with `storage_error` if the storage cannot be read. */
    get: async () => (await read()) ?? renew(),
    /** With `ended`, removes only that key: a login in another tab may have stored the key of a newer session. */
    async remove(ended?: string): Promise<void> {
      if (ended === undefined || (await peek()) === ended) await stored.remove()
    }
  }
}

/** What the service accepts as a key. */
export const keyPattern = /^[\w-]{16,255}$/

/** 128 random bits. Throws in a runtime without `crypto`. */
export function createKey(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join('-')
}
