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
  /** How old the newest key may become before it is rotated; undefined: no limit. */
  readonly rotationDays: number | undefined
  /** Reads the keys again after a rotation. */
  readonly refresh: () => Promise<void>
}

export interface KeyRotation extends SigningKeys {
  /** Rotates if the newest key is too old or has another algorithm than `settings.alg`. */
  rotateWhenDue(): Promise<void>
}

const dayMilliseconds = 86_400_000
const noActor: Actor = {}

/** Makes the next signing key. Instances that rotate at once make one key, because a key's number is unique. */
export function keyRotation(options: KeyRotationOptions): KeyRotation {
  const { store, clock, settings, rotationDays, refresh } = options
  // An instance asks for its algorithm only until it has seen it once. Otherwise instances with the old
  // setting would switch back in a rolling deploy.
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
    async rotateWhenDue() {
      const cause = await dueCause()
      if (cause !== undefined) await rotate(cause, noActor)
    }
  }
}
