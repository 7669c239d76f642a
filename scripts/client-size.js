// What a page loads for `latchkey/client`: bundled, minified and gzipped. Fails where it is larger than we promise.
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { buildSync } from 'esbuild'

const maxBytes = 4500
const entryPoint = join(import.meta.dirname, '..', 'src', 'client', 'index.ts')
const settings = { bundle: true, minify: true, format: 'esm', target: 'es2022', write: false }
const [bundle] = buildSync({ entryPoints: [entryPoint], ...settings }).outputFiles
const bytes = gzipSync(bundle.contents, { level: 9 }).length

console.log(`latchkey/client: ${bytes} bytes minified and gzipped, of ${maxBytes} at most`)
if (bytes > maxBytes) process.exitCode = 1
