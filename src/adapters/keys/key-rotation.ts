import {
  isWaiting,
  newestKey,
  planRotation,
  type RotationCause,
  type RotationSettings
} from '../../core/key-rotation.js'
import type { Actor } from '../../ports/events.js'
import type { SigningKeys } from '../../ports/keys.js'
import { newSigningKey, type SigningKeyOptions } from './signing-keys.js'

export interface KeyRotationOptions extends Omit<SigningKeyOptions, 'alg'> {
  readonly settings: RotationSettings
  /** How old the newest key may grow; undefined where only people rotate. */
  readonly rotationDays: number | undefined
  /** Takes in what has changed. */
  readonly refresh: () => Promise<void>
}

export interface KeyRotation extends SigningKeys {
  /** Rotates where the newest key is too old, or of another algorithm than we were started with. */
  rotateWhereDue(): Promise<void>
}

const dayMilliseconds = 86_400_000
const nobody: Actor = {}

/** Makes the next signing key. Instances that rotate at once make one: its number can be taken only once. */
export function keyRotation(options: KeyRotationOptions): KeyRotation {
  const { store, clock, settings, rotationDays, refresh } = options
  // Only the instances that are started with a new algorithm ask for it, and once: in a rolling deploy
  // those with the old one would otherwise turn back what these have done.
  let hasSeenAlgorithm = false

  async function dueCause(): Promise<RotationCause | undefined> {
    const newest = newestKey(await store.list())
    if (newest === undefined || isWaiting(newest, clock.now())) return undefined
    hasSeenAlgorithm ||= newest.alg === settings.alg
    if (!hasSeenAlgorithm) return 'algorithm_changed'
    const age = clock.now() - newest.signsFrom
    return rotationDays !== undefined && age >= rotationDays * dayMilliseconds ? 'scheduled' : undefined
  }

  async function rotate(cause: RotationCause, actor: Actor): Promise<boolean> {
    const key = await newSigningKey({ ...options, alg: settings.alg })
    for (;;) {
      const keys = await store.list()
      const plan = planRotation(keys, clock.now(), cause, settings)
      if (plan === 'pending') return false
      const number = (newestKey(keys)?.number ?? 0) + 1
      if (await store.rotate({ ...key, number }, plan, cause, actor)) break
    }
    await refresh()
    return true
  }

  return {
    settings,
    async list() {
      const keys = await store.list()
      return keys.map(({ encryptedPrivateKey: _secret, ...record }) => record).reverse()
    },
    rotate,
    async rotateWhereDue() {
      const cause = await dueCause()
      if (cause !== undefined) await rotate(cause, nobody)
    }
  }
}
