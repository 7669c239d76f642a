import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliDecompress } from 'node:zlib'

const decompress = promisify(brotliDecompress)

/** The empty cluster that the build made: a tar archive, packed with Brotli. It lies beside the compiled modules. */
export const builtTemplate = fileURLToPath(new URL('../embedded-template.tar.br', import.meta.url))

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
  await unpack(await readTemplate(template), unfinished)
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

async function readTemplate(template: string): Promise<Buffer> {
  try {
    return await decompress(await readFile(template))
  } catch (error) {
    throw new Error(`The template of the embedded database cannot be read: ${template}. "npm run build" makes it.`, {
      cause: error
    })
  }
}

async function unpack(archive: Buffer, target: string): Promise<void> {
  const entries = [...tarEntries(archive)]
  const folders = entries.filter((entry) => entry.isFolder).map((entry) => join(target, entry.path))
  await mkdir(target, { mode: 0o700 })
  for (const folder of folders) await mkdir(folder, { recursive: true, mode: 0o700 })
  const files = entries.filter((entry) => !entry.isFolder)
  await Promise.all(files.map((file) => writeSynced(join(target, file.path), file.content)))
  await Promise.all([target, ...folders].map(sync))
}

interface TarEntry {
  readonly path: string
  readonly isFolder: boolean
  readonly content: Buffer
}

/** The entries of a ustar archive (POSIX.1-2024, pax): headers of 512 bytes, each before its content, that is padded to 512. */
function* tarEntries(archive: Buffer): Generator<TarEntry> {
  const block = 512
  for (let at = 0; at + block <= archive.length && archive[at] !== 0; ) {
    const header = archive.subarray(at, at + block)
    const size = Number.parseInt(text(header, 124, 12), 8)
    const content = archive.subarray(at + block, at + block + size)
    yield { path: text(header, 0, 100), isFolder: text(header, 156, 1) === '5', content }
    at += block + Math.ceil(size / block) * block
  }
}

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
