import { hkdfSync } from 'node:crypto'
import type { Entropy } from '../../ports/runtime.js'
import { RootSecretError } from './root-secret-error.js'
import { rootSecretFromFile } from './root-secret-file.js'

/** What a derived key is for; two purposes never share a key, and a new version is a new purpose. */
export type KeyPurpose = `${string} v${number}`

export interface RootSecret {
  /** The byte by which a token names its root secret. Two secrets may share it: every one that fits is tried. */
  readonly id: number
  /** 32 bytes for this purpose alone, by HKDF-SHA256 (RFC 5869). */
  deriveKey(purpose: KeyPurpose): Uint8Array
}

/** Newest first: the first one makes, all of them check. */
export type RootSecrets = readonly [RootSecret, ...RootSecret[]]

export interface RootSecretOptions {
  /** The texts of `ROOT_SECRET`, newest first; none: the one kept in `dataDir`, made when there is none yet. */
  readonly configured?: readonly string[] | undefined
  readonly dataDir: string
  /** Refuse to start on a secret that nobody configured, as production does. */
  readonly required: boolean
  readonly entropy: Entropy
}

const minBytes = 32

/**
 * The root secrets that everything secret in Latchkey comes of. Throws `RootSecretError`, whose
 * message says what to do, where one is too short, missing although required, or kept in a file that
 * others can read.
 */
export async function rootSecrets(options: RootSecretOptions): Promise<RootSecrets> {
  const { configured = [], dataDir, required, entropy } = options
  const [newest, ...older] = configured
  if (newest !== undefined) return [rootSecret(newest, 1), ...older.map((text, i) => rootSecret(text, i + 2))]
  if (required) {
    throw new RootSecretError(
      'ROOT_SECRET is not set, and production does not start without it. Make one with `openssl rand -base64 32`.'
    )
  }
  return [rootSecret(await rootSecretFromFile(dataDir, entropy), 1)]
}

function rootSecret(text: string, position: number): RootSecret {
  const length = Buffer.byteLength(text)
  if (length < minBytes) {
    throw new RootSecretError(
      `Root secret number ${position} has ${length} bytes; it takes at least ${minBytes}. ` +
        'Make one with `openssl rand -base64 32`.'
    )
  }
  const deriveKey = (purpose: KeyPurpose) => new Uint8Array(hkdfSync('sha256', text, '', `latchkey ${purpose}`, 32))
  return { id: new DataView(deriveKey('key id v1').buffer).getUint8(0), deriveKey }
}
