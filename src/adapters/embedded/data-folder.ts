import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createBrotliDecompress } from 'node:zlib'

/** Enough to keep libuv's threads busy, and few enough for any limit of open files. */
const filesAtOnce = 32

/** Of what is unpacked, so much at a time; Node's own 16 KiB would have every file pieced together. */
const chunkSize = 2 ** 18

/** The empty cluster that the build made: a tar archive, packed with Brotli. It lies beside the compiled modules. */
export const builtTemplate = fileURLToPath(new URL('../../embedded-template.tar.br', import.meta.url))

/** Makes the folder, for this user alone, where it is not there. */
export async function makeDataFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
}

/**
 * The folder of the embedded cluster under `dataFolder`, unpacked from `template` where it is not
 * there. It appears whole or not at all, also when the power fails meanwhile. Call it under the
 * folder's lock.
 */
export async function makeCluster(dataFolder: string, template: string): Promise<string> {
  const cluster = join(dataFolder, 'postgres')
  if (await exists(cluster)) return cluster
  const unfinished = join(dataFolder, 'postgres.unfinished')
  await rm(unfinished, { recursive: true, force: true })
  try {
    await unpack(readTemplate(template), unfinished)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw error
  }
  await rename(unfinished, cluster)
  await sync(dataFolder)
  return cluster
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false
  )
}

/** The archive, a piece at a time: whole, it would be the most that this process ever holds in memory. */
async function* readTemplate(template: string): AsyncGenerator<Buffer> {
  const archive = createBrotliDecompress({ chunkSize })
  // Whatever fails on the way to it, reading it tells.
  pipeline(createReadStream(template), archive, () => undefined)
  try {
    yield* archive
  } catch (error) {
    throw new Error(`The template of the embedded database cannot be read: ${template}. "npm run build" makes it.`, {
      cause: error
    })
  }
}

async function unpack(archive: AsyncIterable<Buffer>, target: string): Promise<void> {
  const folders = [target]
  const files: TarEntry[] = []
  await mkdir(target, { mode: 0o700 })
  for await (const entry of tarEntries(archive)) {
    if (entry.isFolder) {
      const folder = join(target, entry.path)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      folders.push(folder)
    } else if (files.push(entry) === filesAtOnce) await writeAll(files.splice(0), target)
  }
  await writeAll(files, target)
  await Promise.all(folders.map(sync))
}

/** Resolves, or rejects, when nothing is being written any more. */
async function writeAll(files: readonly TarEntry[], target: string): Promise<void> {
  const outcomes = await Promise.allSettled(files.map(({ path, content }) => writeSynced(join(target, path), content)))
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

interface TarEntry {
  readonly path: string
  readonly isFolder: boolean
  readonly content: Buffer
}

const block = 512

/** The entries of a ustar archive (POSIX.1-2024, pax): headers of 512 bytes, each before its content, that is padded to 512. */
async function* tarEntries(archive: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  let rest: Buffer = Buffer.alloc(0)
  let header: Buffer | undefined
  for await (const piece of archive) {
    rest = Buffer.concat([rest, piece])
    for (;;) {
      const needed = header === undefined ? block : Math.ceil(sizeOf(header) / block) * block
      if (rest.length < needed) break
      const taken = rest.subarray(0, needed)
      rest = rest.subarray(needed)
      if (header === undefined) {
        // Empty blocks are the end.
        if (taken[0] !== 0) header = taken
      } else {
        yield {
          path: text(header, 0, 100),
          isFolder: text(header, 156, 1) === '5',
          content: taken.subarray(0, sizeOf(header))
        }
        header = undefined
      }
    }
  }
}

const sizeOf = (header: Buffer) => Number.parseInt(text(header, 124, 12), 8)

function text(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('latin1', 0, end === -1 ? length : end)
}

async function writeSynced(path: string, content: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the names in a folder durable. Windows has no such call, and does it unasked. */
async function sync(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
