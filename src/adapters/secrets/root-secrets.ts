import { hkdfSync } from 'node:crypto'
import { link, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeBase64url } from '../../core/bytes-as-text.js'
import { minRootSecretBytes } from '../../core/vocabulary.js'
import type { Entropy } from '../../ports/runtime.js'

/** What a derived key is for. Two purposes never share a key; a new format is a new version. */
type KeyPurpose = `${string} v${number}`

export interface RootSecret {
  /** The byte by which a token names its root secret. Two secrets can have the same one, so try all that match. */
  readonly id: number
  /** 32 bytes for this purpose alone, by HKDF-SHA256 (RFC 5869). */
  deriveKey(purpose: KeyPurpose): Uint8Array
}

/** Newest first. The first one issues; all of them verify. */
export type RootSecrets = readonly [RootSecret, ...RootSecret[]]

export interface RootSecretOptions {
  /** The values of `ROOT_SECRET`, newest first. None: use the one in `dataDir`, and make it if there is none yet. */
  readonly configured?: readonly string[] | undefined
  readonly dataDir: string
  /** Whether to refuse a secret that is not configured, as production does. */
  readonly required: boolean
  readonly entropy: Entropy
}

/** A problem with the root secrets that only the operator can solve. Its message says how, and holds no secret. */
export class RootSecretError extends Error {
  override readonly name = 'RootSecretError'
}

/**
 * The root secrets, from which all other keys are derived. Throws `RootSecretError` if one is too short, if none is
 * configured although `required`, or if other users can read the file.
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
  if (length < minRootSecretBytes) {
    throw new RootSecretError(
      `Root secret number ${position} has ${length} bytes; it takes at least ${minRootSecretBytes}. ` +
        'Make one with `openssl rand -base64 32`.'
    )
  }
  const deriveKey = (purpose: KeyPurpose) => new Uint8Array(hkdfSync('sha256', text, '', `latchkey ${purpose}`, 32))
  return { id: new DataView(deriveKey('key id v1').buffer).getUint8(0), deriveKey }
}

const readableByOthers = 0o077
// Windows has no such mode bits, and cannot sync a folder.
const isPosix = process.platform !== 'win32'

/**
 * The secret in `dataDir/root-secret`: 32 random bytes in base64url with mode 0600, made by the first start. It is
 * text, so that it can be pasted into `ROOT_SECRET`. Processes that start at once all get the same secret, and a crash
 * never leaves half of one.
 */
async function rootSecretFromFile(dataDir: string, entropy: Entropy): Promise<string> {
  const path = join(dataDir, 'root-secret')
  const kept = await readSecret(path)
  if (kept !== undefined) return kept
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await makeSecret(dataDir, path, entropy)
  const made = await readSecret(path)
  if (made === undefined) throw new RootSecretError(`${path} was removed while Latchkey was starting. Start it again.`)
  return made
}

async function readSecret(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch(ignore('ENOENT'))
  if (file === undefined) return undefined
  try {
    const { mode } = await file.stat()
    if (isPosix && (mode & readableByOthers) !== 0) {
      throw new RootSecretError(
        `${path} can be read by other users of this machine. Run \`chmod 600 ${path}\`. If somebody may have read it, ` +
          'change the root secret as docs/operations.md describes.'
      )
    }
    return (await file.readFile('utf8')).trim()
  } finally {
    await file.close()
  }
}

/** Publishes by a hard link, because a rename would replace a secret that another process has just made. */
async function makeSecret(dataDir: string, path: string, entropy: Entropy): Promise<void> {
  const draft = `${path}.${entropy.uuid()}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(`${encodeBase64url(entropy.bytes(32))}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(draft, path).catch(ignore('EEXIST'))
  } finally {
    await unlink(draft).catch(ignore('ENOENT'))
  }
  if (isPosix) await syncFolder(dataDir)
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** A handler that turns an error of this code into undefined and throws any other. */
function ignore(code: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (error.code !== code) throw error
  }
}
