// Builds the browser's part, src/http/pages, beside the compiled service: its scripts, which are compiled against what
// browsers have, and what is served as it is. The argument is where the rest of src went.
import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const outDir = resolve(process.argv[2] ?? join(root, 'dist'))
const source = join(root, 'src', 'http', 'pages')
const target = join(outDir, 'http', 'pages')

const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const compiler = [tsc, '-p', join(root, 'tsconfig.pages.json'), '--outDir', outDir]
const { status } = spawnSync(process.execPath, compiler, { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

await mkdir(target, { recursive: true })
for (const name of await readdir(source)) {
  if (extname(name) !== '.ts') await copyFile(join(source, name), join(target, name))
}
