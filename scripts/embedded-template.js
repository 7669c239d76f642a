// Makes the packed empty cluster that a fresh embedded database starts from: initdb inside PGlite
// takes seconds and close to a gigabyte, unpacking its result neither. The argument is where it
// goes. It depends on PGlite's version and the settings here, so a copy is kept in node_modules/.cache under both.
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const target = resolve(process.argv[2] ?? join(root, 'dist', 'embedded-template.tar.br'))

const pgliteFolder = dirname(dirname(createRequire(import.meta.url).resolve('@electric-sql/pglite')))
const { version } = JSON.parse(await readFile(join(pgliteFolder, 'package.json'), 'utf8'))
// The log grows by a file at a time. One of 1 MB is soon made, and seldom too large for what is left of a disk.
const initParams = ['--wal-segsize=1']
const cached = join(
  root,
  'node_modules',
  '.cache',
  'latchkey',
  `embedded-template-${version}${initParams.join('')}.tar.br`
)

if (!(await exists(cached))) await writeWhole(cached, await pack())
await mkdir(dirname(target), { recursive: true })
if (target !== cached) await copyFile(cached, target)

async function exists(path) {
  return stat(path).then(
    () => true,
    () => false
  )
}

/** Two builds at once, or one that is killed, never leave a half file. */
async function writeWhole(path, content) {
  await mkdir(dirname(path), { recursive: true })
  const unfinished = `${path}.${process.pid}`
  await writeFile(unfinished, content)
  await rename(unfinished, path)
}

async function pack() {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-template-'))
  try {
    const cluster = join(folder, 'postgres')
    const running = await PGlite.create({ dataDir: cluster, initDbStartParams: initParams })
    await running.close()
    // Opened again without a server: what is packed was shut down properly, and starts without recovery.
    const stopped = await PGlite.create({ dataDir: cluster, noInitDb: true })
    const archive = Buffer.from(await (await stopped.dumpDataDir('none')).arrayBuffer())
    // The window takes in a whole database, so that the three copies of its files pack as one.
    return await promisify(brotliCompress)(archive, {
      params: {
        [constants.BROTLI_PARAM_LGWIN]: 24,
        [constants.BROTLI_PARAM_QUALITY]: 9,
        [constants.BROTLI_PARAM_SIZE_HINT]: archive.length
      }
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
