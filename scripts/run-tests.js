// A process that runs compiled test files, one after the other; scripts/test.js sends it their names.
// `import t from 'tap'` in a test file leads here (see scripts/compile.js), so each file has a root test of its own.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import tap from 'tap'

const timeout = Number(process.env.TAP_TIMEOUT) * 1000
/** A file's own timeout comes first. The process's is for a file that blocks it, or that leaves something open. */
const graceMilliseconds = 10_000
const environment = JSON.stringify(process.env)
let root

/** The root test of the file that runs. */
export default new Proxy(tap, {
  get: (_, name) => (typeof root[name] === 'function' ? root[name].bind(root) : root[name]),
  set: (_, name, value) => Reflect.set(root, name, value)
})

process.on('disconnect', () => process.exit(1))
void runFiles()

/** Not awaited at top level: the files import this module, which must have been evaluated by then. */
async function runFiles() {
  for (let file = await nextFile(); file !== undefined; file = await nextFile()) {
    const compiled = pathToFileURL(join('build', file.replace(/\.ts$/, '.js'))).href
    await tap.test(file, (t) => {
      root = t
      const { setTimeout } = t
      t.setTimeout = (milliseconds) => {
        setTimeout(milliseconds)
        tap.setTimeout(milliseconds + graceMilliseconds)
      }
      t.setTimeout(timeout)
      return import(compiled)
    })
    tap.setTimeout(graceMilliseconds)
    if (JSON.stringify(process.env) !== environment) tap.fail(`${file} changed process.env and did not restore it`)
  }
}

function nextFile() {
  return new Promise((resolve) => {
    process.once('message', ({ file }) => {
      // Without work, only what a test left open keeps the process.
      process.channel.unref()
      resolve(file)
    })
    process.channel.ref()
    process.send({ isIdle: true })
  })
}
