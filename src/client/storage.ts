import type { AuthStorage } from './auth-client.js'
import type { Browser } from './runtime.js'

type ClientStorage = ReturnType<typeof clientStorage>

/**
 * Holds what outlives the page or the process: the session's idempotency key, and in `body` mode the refresh token and
 * the device token. Stores in `storage`, and in memory what `storage` refuses to store. Without `storage` everything is
 * in memory.
 */
export function clientStorage(storage: AuthStorage | undefined, prefix: string) {
  const inMemory = new Map<string, string>()
  return {
    /** Undefined if nothing is stored. Rejects if the storage fails. */
    async get(name: string): Promise<string | undefined> {
      return inMemory.get(name) ?? (await storage?.get(prefix + name)) ?? undefined
    },
    async set(name: string, value: string): Promise<void> {
      inMemory.set(name, value)
      if (storage === undefined) return
      try {
        await storage.set(prefix + name, value)
        inMemory.delete(name)
      } catch {
        // The value stays in memory.
      }
    },
    async remove(name: string): Promise<void> {
      inMemory.delete(name)
      try {
        await storage?.remove(prefix + name)
      } catch {
        // The session has ended, so a value that stays behind is worthless.
      }
    }
  }
}

/** The page's localStorage, which all tabs of its origin share. */
export function browserStorage(browser: Browser | undefined): AuthStorage | undefined {
  const localStorage = browser?.localStorage
  return (
    localStorage && {
      get: (name) => localStorage.getItem(name),
      set: (name, value) => localStorage.setItem(name, value),
      remove: (name) => localStorage.removeItem(name)
    }
  )
}

/** One random key for the whole session: with it, the service can finish a refresh whose response was lost. */
export async function sessionKey(storage: ClientStorage): Promise<string> {
  const stored = await storage.get('key').catch(() => undefined)
  const key = stored ?? createKey()
  if (stored === undefined) await storage.set('key', key)
  return key
}

/** A new idempotency key: 128 random bits in hexadecimal. */
export function createKey(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))]
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
