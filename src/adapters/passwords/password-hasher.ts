import { createHmac } from 'node:crypto'
import bcrypt from 'bcrypt'
import type { PasswordHasher } from '../../ports/passwords.js'
import type { PasswordQueue } from './password-queue.js'

export interface PasswordHasherOptions {
  /** bcrypt's cost, 4 to 31: each step doubles the work. */
  readonly cost: number
  readonly queue: PasswordQueue
}

const ourPrefix = 'lk1:'
const storedFormat = /^(lk1:)?\$2([aby])\$(\d\d)\$([./A-Za-z0-9]{53})$/

/**
 * bcrypt over an HMAC of the password, so that no password is cut at bcrypt's 72 bytes or at a NUL.
 * The HMAC's key is public: it keeps a leaked list of plain SHA-384 password hashes from being tried
 * against ours. bcrypt hashes made elsewhere (`$2a$`, `$2b$`, `$2y$`) verify as what they are, and
 * are outdated. `verify` does the work of today's `cost` also for a hash of a lower cost, of an
 * unknown format, or none at all. Both throw `Unavailable` where the queue is full.
 */
export function passwordHasher({ cost, queue }: PasswordHasherOptions): PasswordHasher {
  return {
    requireRoom: () => queue.requireRoom(),

    async hash(password) {
      return ourPrefix + (await queue.run(() => bcrypt.hash(preHash(password), cost)))
    },

    async verify(password, hash) {
      const stored = hash === undefined ? undefined : readStored(hash)
      const { bcryptHash, isOurs, cost: storedCost } = stored ?? unmatchable(cost)
      const matches = await queue.run(async () => {
        const matched = await bcrypt.compare(isOurs ? preHash(password) : password, bcryptHash)
        // 2^n = 2^k + (2^k + 2^(k+1) + … + 2^(n-1)): a cheaper hash must not stand out by its time.
        for (let rest = storedCost; rest < cost; rest++) await bcrypt.compare('', unmatchable(rest).bcryptHash)
        return matched
      })
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
  // $2y$ is PHP's name for what is $2b$ here.
  const bcryptHash = `$2${version === 'y' ? 'b' : version}$${cost}$${rest}`
  return { bcryptHash, isOurs: prefix !== undefined, cost: Number(cost) }
}

/** A hash that costs as much as any of its cost to compare with, and was made of no password. */
function unmatchable(cost: number): StoredHash {
  return { bcryptHash: `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`, isOurs: true, cost }
}

function preHash(password: string): string {
  return createHmac('sha384', 'latchkey password v1').update(password).digest('base64')
}
