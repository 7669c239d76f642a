import { createHmac } from 'node:crypto'
import type { PasswordHasher } from '../../ports/passwords.js'
import { type Bcrypt, sharedBcryptThreads } from './bcrypt-threads.js'
import type { PasswordQueue } from './password-queue.js'

export interface PasswordHasherOptions {
  /** The bcrypt cost, 4 to 31. Each step doubles the work. */
  readonly cost: number
  readonly queue: PasswordQueue
  readonly bcrypt?: Bcrypt
}

const ourPrefix = 'lk1:'
const storedFormat = /^(lk1:)?\$2([aby])\$(\d\d)\$([./A-Za-z0-9]{53})$/

/**
 * Hashes passwords by bcrypt over an HMAC. bcrypt reads at most 72 bytes and stops at a NUL; the HMAC keeps every byte
 * of the password. Its key is public, and different from plain SHA-384: lists of leaked SHA-384 hashes cannot be tried
 * against ours. Plain bcrypt hashes from other systems (`$2a$`, `$2b$`, `$2y$`) also verify, and count as outdated.
 * `verify` always does the work of `cost`: also for a hash of lower cost, of unknown format, and for no hash. Both
 * throw `Unavailable` if the queue has no room.
 */
export function passwordHasher(options: PasswordHasherOptions): PasswordHasher {
  const { cost, queue, bcrypt = sharedBcryptThreads } = options
  return {
    requireRoom: (source) => queue.requireRoom(source),

    async hash(password, source) {
      return ourPrefix + (await queue.run(() => bcrypt.hash(preHash(password), cost), source))
    },

    async verify(password, hash, source) {
      const stored = hash === undefined ? undefined : readStored(hash)
      const { bcryptHash, isOurs, cost: storedCost } = stored ?? unmatchable(cost)
      const matches = await queue.run(async () => {
        const matched = await bcrypt.compare(isOurs ? preHash(password) : password, bcryptHash)
        // Do the missing work, so that a cheaper hash takes as long: 2^n = 2^k + (2^k + 2^(k+1) + … + 2^(n-1)).
        for (let rest = storedCost; rest < cost; rest++) await bcrypt.compare('', unmatchable(rest).bcryptHash)
        return matched
      }, source)
      return stored !== undefined && matches
    },

    isOutdated(hash) {
      const stored = readStored(hash)
      return stored === undefined || !stored.isOurs || stored.cost < cost
    }
  }
}

interface StoredHash {
  readonly bcryptHash: string
  readonly isOurs: boolean
  readonly cost: number
}

function readStored(hash: string): StoredHash | undefined {
  const [, prefix, version, cost, rest] = storedFormat.exec(hash) ?? []
  if (cost === undefined) return undefined
  // PHP writes $2y$ for $2b$.
  const bcryptHash = `$2${version === 'y' ? 'b' : version}$${cost}$${rest}`
  return { bcryptHash, isOurs: prefix !== undefined, cost: Number(cost) }
}

/** A hash that no password matches. Comparing with it takes as long as with any hash of its cost. */
function unmatchable(cost: number): StoredHash {
  return { bcryptHash: `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`, isOurs: true, cost }
}

function preHash(password: string): string {
  return createHmac('sha384', 'latchkey password v1').update(password).digest('base64')
}
