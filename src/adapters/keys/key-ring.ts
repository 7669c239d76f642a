import type { KeyTimes, RotationSettings } from '../../core/key-rotation.js'
import type { SigningKeys } from '../../ports/keys.js'
import type { Identity } from '../../ports/runtime.js'
import type { AccessTokens } from '../../ports/tokens.js'
import type { ConnectNotices } from '../notices/notices.js'
import { keepSubscribed } from '../notices/subscription.js'
import { accessTokens } from './access-tokens.js'
import { keyRotation } from './key-rotation.js'
import { loadSigningKeys, reloadSigningKeys, type SigningKeyOptions } from './signing-keys.js'

export interface KeyRingOptions extends Omit<SigningKeyOptions, 'alg'> {
  readonly identity: Identity
  readonly settings: RotationSettings
  readonly rotationDays: number | undefined
  /** How it hears that keys have changed; none where this process is the only one that changes them. */
  readonly notices: ConnectNotices | undefined
  /** How often the keys are read whatever happens, and looked at for being due. */
  readonly checkMilliseconds?: number | undefined
}

export interface KeyRing {
  readonly accessTokens: AccessTokens
  readonly signingKeys: SigningKeys
  /** The keys that this process knows and that have not retired; no I/O. */
  known(): readonly KeyTimes[]
  close(): Promise<void>
}

/** Well below the time for which a key is published before it signs. */
const usualCheckMilliseconds = 30_000
/** How often the keys are read while nobody would tell of a change. */
const unheardMilliseconds = 1000
/** Strangers can send tokens of keys that nobody has: they make us read the keys no more often. */
const unknownKeyMilliseconds = 5000

/**
 * The database's signing keys at work in this process. It learns of new ones by push, every 30 s, when
 * a token names one that it does not know, and before it says that none can sign. While the database
 * cannot be read it goes on with those it knows. Throws as `loadSigningKeys` does.
 */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { clock, settings, notices, checkMilliseconds = usualCheckMilliseconds } = options
  const keyOptions = { ...options, alg: settings.alg }
  let keys = await loadSigningKeys(keyOptions)
  let reading: Promise<void> | undefined
  let behind = false
  let heard = false
  let unknownAt = Number.NEGATIVE_INFINITY

  async function read(): Promise<void> {
    try {
      while (behind) {
        behind = false
        keys = await reloadSigningKeys(keyOptions, keys)
        await tokens.use(keys)
      }
    } catch {
      // The next check reads again.
    } finally {
      reading = undefined
    }
  }

  const reload = (): Promise<void> => {
    behind = true
    reading ??= read()
    return reading
  }

  const tokens = await accessTokens({
    ...options,
    keys,
    async missing(what) {
      if (what === 'key of a token') {
        if (clock.now() - unknownAt < unknownKeyMilliseconds) return
        unknownAt = clock.now()
      }
      await reload()
    }
  })
  const rotation = keyRotation({ ...options, refresh: reload })

  let checking: Promise<void> | undefined
  const check = async (): Promise<void> => {
    await reload()
    // What is due now is due at the next check as well, when the database may be back.
    await rotation.rotateWhereDue().catch(() => undefined)
    checking = undefined
  }
  const timers = [
    setInterval(() => {
      checking ??= check()
    }, checkMilliseconds),
    setInterval(() => {
      if (notices !== undefined && !heard) void reload()
    }, unheardMilliseconds)
  ]

  const unsubscribe =
    notices &&
    keepSubscribed(
      notices,
      {
        onNotice: () => void reload(),
        onUp() {
          heard = true
          void reload()
        },
        onAlive: () => undefined,
        onDown() {
          heard = false
        }
      },
      options
    )

  return {
    accessTokens: tokens,
    signingKeys: rotation,
    known: () => keys,
    async close() {
      for (const timer of timers) clearInterval(timer)
      await unsubscribe?.()
      await checking
      await reading
      await tokens.close()
    }
  }
}
