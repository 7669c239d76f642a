import type { KeyTimes, RotationSettings } from '../../core/key-rotation.js'
import type { SigningKeys } from '../../ports/keys.js'
import type { Identity, Readiness } from '../../ports/runtime.js'
import type { AccessTokens } from '../../ports/tokens.js'
import { catchUp } from '../notices/catch-up.js'
import type { ConnectNotices } from '../notices/notices.js'
import { keepSubscribed } from '../notices/subscription.js'
import { accessTokens } from './access-tokens.js'
import { keyRotation } from './key-rotation.js'
import { loadSigningKeys, reloadSigningKeys, type SigningKeyOptions } from './signing-keys.js'

export interface KeyRingOptions extends Omit<SigningKeyOptions, 'alg'> {
  readonly identity: Identity
  readonly settings: RotationSettings
  /** How old the newest key may become before it is rotated; undefined: no limit. */
  readonly rotationDays: number | undefined
  /** Notices of key changes; undefined if this process alone changes keys. */
  readonly notices: ConnectNotices | undefined
  /** How often the keys are read in any case, and rotated if due. */
  readonly checkMilliseconds?: number | undefined
}

export interface KeyRing {
  readonly accessTokens: AccessTokens
  readonly signingKeys: SigningKeys
  /** Resolves if a key may sign now; throws `Unavailable` otherwise. */
  readonly readiness: Readiness
  /** The keys in memory that have not retired. No I/O. */
  known(): readonly KeyTimes[]
  close(): Promise<void>
}

/** Much shorter than the time for which a key is published before it signs. */
const defaultCheckMilliseconds = 30_000
/** How often the keys are read while the subscription to notices is down. */
const unsubscribedReadMilliseconds = 1000
/** Reload keys for unknown `kid`s at most this often: strangers can send any `kid`. */
const unknownKeyReadMilliseconds = 5000

/**
 * The signing keys of the database, kept in memory. They are read again on a notice, every 30 s, when a token names an
 * unknown key, and before `sign` gives up for want of a key. While the database cannot be read, the known keys stay in
 * use. Throws as `loadSigningKeys` does.
 */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { clock, settings, notices, checkMilliseconds = defaultCheckMilliseconds } = options
  const keyOptions = { ...options, alg: settings.alg }
  let keys = await loadSigningKeys(keyOptions)
  let subscribed = false
  let unknownKeyReadAt = Number.NEGATIVE_INFINITY

  const reading = catchUp(async () => {
    keys = await reloadSigningKeys(keyOptions, keys)
    await tokens.use(keys)
  })
  const tokens = await accessTokens({
    ...options,
    keys,
    async reload(why) {
      if (why === 'unknown key') {
        if (clock.now() - unknownKeyReadAt < unknownKeyReadMilliseconds) return
        unknownKeyReadAt = clock.now()
      }
      await reading.request()
    }
  })
  const rotation = keyRotation({ ...options, refresh: reading.request })

  let checking: Promise<void> | undefined
  const check = async (): Promise<void> => {
    await reading.request()
    // A rotation that fails now is still due at the next check.
    await rotation.rotateWhenDue().catch(() => undefined)
    checking = undefined
  }
  const timers = [
    setInterval(() => {
      checking ??= check()
    }, checkMilliseconds),
    setInterval(() => {
      if (notices !== undefined && !subscribed) void reading.request()
    }, unsubscribedReadMilliseconds)
  ]

  const unsubscribe =
    notices &&
    keepSubscribed(
      notices,
      {
        onNotice: () => void reading.request(),
        onUp() {
          subscribed = true
          void reading.request()
        },
        onAlive: () => undefined,
        onDown() {
          subscribed = false
        }
      },
      options
    )

  return {
    accessTokens: tokens,
    signingKeys: rotation,
    readiness: tokens.requireSigningKey,
    known: () => keys,
    async close() {
      for (const timer of timers) clearInterval(timer)
      await unsubscribe?.()
      await checking
      await reading.running
      await tokens.close()
    }
  }
}
