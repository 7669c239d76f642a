import { createHash, randomUUID } from 'node:crypto'
import { link, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The longest path of a Unix socket that every system accepts (macOS: 104 bytes with the final NUL). */
const maxSocketPathBytes = 103

/**
 * Locks the folder; undefined if another holder, in this process or another, has locked it. The holder listens on a
 * socket in the folder. The kernel accepts connections for it: a busy holder still keeps the lock, and a killed holder
 * loses it at once.
 *
 * The sockets are numbered, and the highest number is the lock. A contender takes over from a dead holder by creating
 * the next number with link(2), which only one contender can do. No number is created twice: a holder removes only
 * lower numbers, and leaves its own behind when it ends.
 */
export async function lockFolder(folder: string): Promise<{ release(): Promise<void> } | undefined> {
  if (process.platform === 'win32') return lockPipe(folder)
  const short = await shortPath(folder)
  try {
    return await lockSocket(folder, short.path)
  } finally {
    await short.remove()
  }
}

async function lockSocket(folder: string, shortFolder: string) {
  const claim = `claim.${randomUUID().slice(0, 8)}`
  const server = await listen(join(shortFolder, claim))
  const release = async () => close(server)
  for (;;) {
    const highest = await highestLock(folder)
    if (highest > 0 && (await answers(join(shortFolder, lockName(highest))))) {
      await release()
      return undefined
    }
    const own = highest + 1
    const outcome = await createLock(join(folder, claim), join(folder, lockName(own)))
    if (outcome === 'ENOENT') {
      // A new holder has removed our claim.
      await release()
      return undefined
    }
    if (outcome === 'EEXIST') continue
    // If this process slept after `highestLock`, others may have used and left this number meanwhile.
    if ((await highestLock(folder)) !== own) {
      await rm(join(folder, lockName(own)))
      continue
    }
    await removeOthers(folder, own)
    return { release }
  }
}

const lockName = (number: number) => `lock.${number}`

async function highestLock(folder: string): Promise<number> {
  const numbers = (await readdir(folder)).map((name) => Number(/^lock\.(\d+)$/.exec(name)?.[1] ?? 0))
  return Math.max(0, ...numbers)
}

async function createLock(claim: string, lock: string): Promise<'created' | 'EEXIST' | 'ENOENT'> {
  try {
    await link(claim, lock)
    return 'created'
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST' || code === 'ENOENT') return code
    throw error
  }
}

/** Removes the files of dead holders and contenders, and the claims of live contenders, which are too late. */
async function removeOthers(folder: string, own: number): Promise<void> {
  const left = (await readdir(folder)).filter((name) => /^(lock\.\d+|claim\..+)$/.test(name) && name !== lockName(own))
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })))
}

/** Whether a process listens. Every error but "refused" counts as yes: better to refuse a start than to share a folder. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED'))
  })
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', reject)
    server.listen(path, () => resolve(server.unref()))
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** A path for `folder` that is short enough for sockets in it: the folder itself, or a temporary link to it. */
async function shortPath(folder: string): Promise<{ path: string; remove(): Promise<void> }> {
  if (Buffer.byteLength(join(folder, 'claim.00000000')) <= maxSocketPathBytes) {
    return { path: folder, remove: async () => undefined }
  }
  const parent = await mkdtemp(join(tmpdir(), 'latchkey-'))
  const path = join(parent, 'd')
  await symlink(await realpath(folder), path)
  return { path, remove: () => rm(parent, { recursive: true, force: true }) }
}

/** Windows closes a pipe when its process ends, and lets one process hold a pipe's name. */
async function lockPipe(folder: string) {
  const name = createHash('sha256')
    .update((await realpath(folder)).toLowerCase())
    .digest('hex')
  try {
    const server = await listen(`\\\\.\\pipe\\latchkey-${name}`)
    return { release: async () => close(server) }
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') return undefined
    throw error
  }
}

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? error.code : undefined)
