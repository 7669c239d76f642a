import { createHash, randomUUID } from 'node:crypto'
import { link, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface FolderLock {
  release(): Promise<void>
}

/** The longest path of a Unix socket that every system takes (macOS: 104 bytes with the end mark). */
const maxSocketPathBytes = 103

/**
 * Takes the folder for this process alone; undefined where another holder, in this process or
 * another, has it. The holder listens on a socket in the folder. The kernel answers for it, so that
 * a holder that is busy still counts, and a holder that was killed is gone at once.
 *
 * The sockets are numbered, and the highest one is the lock. To take it over from a dead holder is to
 * make the next number by link(2), which one contender alone can do. A number is never made
 * twice: a holder removes only lower ones, and leaves its own behind when it ends.
 */
export async function lockFolder(folder: string): Promise<FolderLock | undefined> {
  if (process.platform === 'win32') return lockPipe(folder)
  const short = await shortPath(folder)
  try {
    return await lockSocket(folder, short.path)
  } finally {
    await short.remove()
  }
}

async function lockSocket(folder: string, shortFolder: string): Promise<FolderLock | undefined> {
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
    const outcome = await makeLock(join(folder, claim), join(folder, lockName(own)))
    if (outcome === 'ENOENT') {
      // A new holder has swept our claim away.
      await release()
      return undefined
    }
    if (outcome === 'EEXIST') continue
    // A contender that slept since it looked may have made a number that was taken and left meanwhile.
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

async function makeLock(claim: string, lock: string): Promise<'made' | 'EEXIST' | 'ENOENT'> {
  try {
    await link(claim, lock)
    return 'made'
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'EEXIST' || code === 'ENOENT') return code
    throw error
  }
}

/** Removes what dead holders and contenders left, and the claims of live contenders, who are too late. */
async function removeOthers(folder: string, own: number): Promise<void> {
  const left = (await readdir(folder)).filter((name) => /^(lock\.\d+|claim\..+)$/.test(name) && name !== lockName(own))
  await Promise.all(left.map((name) => rm(join(folder, name), { force: true })))
}

/** Whether anybody listens. No answer at all but "refused" counts as one: better to refuse a start than to share a folder. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error) => resolve(!('code' in error && error.code === 'ECONNREFUSED')))
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

/** A name for `folder` that leaves room for a socket's: the folder itself, or a link to it for as long as it is needed. */
async function shortPath(folder: string): Promise<{ path: string; remove(): Promise<void> }> {
  if (Buffer.byteLength(join(folder, 'claim.00000000')) <= maxSocketPathBytes) {
    return { path: folder, remove: async () => undefined }
  }
  const parent = await mkdtemp(join(tmpdir(), 'latchkey-'))
  const path = join(parent, 'd')
  await symlink(await realpath(folder), path)
  return { path, remove: () => rm(parent, { recursive: true, force: true }) }
}

/** Windows ends a pipe with its process, and has one holder of its name. */
async function lockPipe(folder: string): Promise<FolderLock | undefined> {
  const name = createHash('sha256')
    .update((await realpath(folder)).toLowerCase())
    .digest('hex')
  try {
    const server = await listen(`\\\\.\\pipe\\latchkey-${name}`)
    return { release: async () => close(server) }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return undefined
    throw error
  }
}
