import { link, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { encodeBase64url } from '../../core/base64url.js'
import type { Entropy } from '../../ports/runtime.js'
import { RootSecretError } from './root-secret-error.js'

const readableByOthers = 0o077
// Windows has no such mode bits and cannot sync a folder.
const isPosix = process.platform !== 'win32'

/**
 * The secret kept in `dataDir/root-secret`: 32 random bytes in base64url, mode 0600, made by the
 * first start. It is text so that it can be pasted into `ROOT_SECRET` as it is. However many
 * processes start at once, all get the same one, and a crash never leaves half of one. Throws
 * `RootSecretError` where group or others can read the file.
 */
export async function rootSecretFromFile(dataDir: string, entropy: Entropy): Promise<string> {
  const path = join(dataDir, 'root-secret')
  const kept = await read(path)
  if (kept !== undefined) return kept
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  await make(dataDir, path, entropy)
  const made = await read(path)
  if (made === undefined) throw new RootSecretError(`${path} was removed while Latchkey was starting. Start it again.`)
  return made
}

async function read(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch(absent('ENOENT'))
  if (file === undefined) return undefined
  try {
    const { mode } = await file.stat()
    if (isPosix && (mode & readableByOthers) !== 0) {
      throw new RootSecretError(
        `${path} can be read by other users of this machine. Run \`chmod 600 ${path}\`, and if somebody may have read it, ` +
          'remove it: everybody is then signed out.'
      )
    }
    return (await file.readFile('utf8')).trim()
  } finally {
    await file.close()
  }
}

// A hard link, unlike a rename, never replaces the secret that another process has made meanwhile.
async function make(dataDir: string, path: string, entropy: Entropy): Promise<void> {
  const draft = `${path}.${entropy.uuid()}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(`${encodeBase64url(entropy.bytes(32))}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(draft, path).catch(absent('EEXIST'))
  } finally {
    await unlink(draft).catch(absent('ENOENT'))
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

function absent(code: string): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (error.code !== code) throw error
  }
}
