// Builds the browser pages of src/pages: one script per page, beside the files that are served as they are. The
// argument is the folder that holds the compiled src.
import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { basename, extname, join, resolve } from 'node:path'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const source = join(root, 'src', 'pages')
const target = join(resolve(process.argv[2] ?? join(root, 'dist')), 'pages')

await build({
  entryPoints: ['account', 'console'].map((page) => join(source, page, `${page}.ts`)),
  entryNames: '[name]',
  outdir: target,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning'
})

await mkdir(target, { recursive: true })
for (const name of await readdir(source, { recursive: true })) {
  if (['.html', '.css', '.svg'].includes(extname(name)))
    await copyFile(join(source, name), join(target, basename(name)))
}
