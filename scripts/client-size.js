// What a page loads with `latchkey/client`: its modules without types, comments and indentation, in one piece, gzipped.
// A bundler that shortens names as well makes it smaller still. Fails where it is larger than we promise.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import ts from 'typescript'

const mostBytes = 4096
const folder = join(import.meta.dirname, '..', 'src', 'client')
const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ES2022, removeComments: true }

const files = readdirSync(folder).filter((file) => file !== 'axios.ts' && file !== 'index.ts')
const modules = files.map((file) => {
  const { outputText } = ts.transpileModule(readFileSync(join(folder, file), 'utf8'), { compilerOptions })
  return outputText.replace(/^(import .*|export \{\};|\/\/\/.*|\s+)$/gm, '').replace(/^\s+/gm, '')
})
const bytes = gzipSync(modules.join(''), { level: 9 }).length

console.log(`latchkey/client: ${bytes} bytes gzipped, of ${mostBytes} at most`)
if (bytes > mostBytes) process.exitCode = 1
