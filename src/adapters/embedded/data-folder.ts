import { createReadStream, existsSync } from 'node:fs'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { createBrotliDecompress } from 'node:zlib'

/** How many files are written at once: enough to keep libuv's threads busy, below any limit of open files. */
const filesAtOnce = 32

/** The size of an unpacked chunk. With Node's default of 16 KiB, most files would be joined from pieces. */
const chunkSize = 2 ** 18

/** The empty cluster that the build makes: a tar archive, packed with Brotli, beside the compiled modules. */
export const builtTemplate = fileURLToPath(new URL('../../embedded-template.tar.br', import.meta.url))

/** Creates the folder, if it does not exist, for this user alone. */
export async function createDataFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
}

/**
 * Unpacks `template` into the folder of the embedded cluster under `dataFolder`, if that folder does not exist, and
 * returns its path. The folder appears whole or not at all, even if the power fails. The caller must hold the lock of
 * `dataFolder`.
 */
export async function createCluster(dataFolder: string, template: string): Promise<string> {
  const cluster = join(dataFolder, 'postgres')
  if (existsSync(cluster)) return cluster
  const unfinished = join(dataFolder, 'postgres.unfinished')
  await rm(unfinished, { recursive: true, force: true })
  try {
    await unpack(readTemplate(template), unfinished)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw error
  }
  await rename(unfinished, cluster)
  await syncFolder(dataFolder)
  return cluster
}

/** Reads the archive chunk by chunk: in one piece, it would be the largest thing this process ever holds in memory. */
async function* readTemplate(template: string): AsyncGenerator<Buffer> {
  const archive = createBrotliDecompress({ chunkSize })
  // Reading the archive reports every error of the pipeline.
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
  await Promise.all(folders.map(syncFolder))
}

/** Resolves or rejects only after every write has ended. */
async function writeAll(files: readonly TarEntry[], target: string): Promise<void> {
  const options = { flag: 'wx', mode: 0o600, flush: true } as const
  const outcomes = await Promise.allSettled(
    files.map(({ path, content }) => writeFile(join(target, path), content, options))
  )
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

interface TarEntry {
  readonly path: string
  readonly isFolder: boolean
  readonly content: Buffer
}

const block = 512

/** The entries of a ustar archive (POSIX.1-2024, pax): a header of 512 bytes, then content padded to 512, and so on. */
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
        // Empty blocks mark the end.
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

/** Makes the names in a folder durable. Windows has no such call and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
