// A process that runs compiled test files, one after the other: scripts/test.js sends their names and gets their TAP.
// `import t from 'tap'` in a test file leads here (see scripts/compile.js), so each file has a root test of its own.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import tap, { Test } from 'tap'

const root = join(import.meta.dirname, '..')
const env = JSON.stringify(process.env)
let current

// Nothing runs in tap's own root test here: it would give up after 30 s, and it gets the errors of tests that have ended.
tap.setTimeout(0)
tap.threw = reportLate

class FileTest extends Test {
  setTimeout(limit) {
    if (limit > 0) process.send({ limit })
    super.setTimeout(limit)
  }

  threw(error, ...rest) {
    if (this.results) reportLate(error, this.name)
    else return super.threw(error, ...rest)
  }
}

/** The root test of the file that runs now. */
export default new Proxy(
  {},
  {
    get: (_, name) => (typeof current[name] === 'function' ? current[name].bind(current) : current[name]),
    set: (_, name, value) => Reflect.set(current, name, value)
  }
)

/** tap would only print what a test does after its end. It must fail the run. */
function reportLate(error, name = current?.name) {
  process.send({ late: `${name}, after a test had ended: ${error?.stack ?? error}` })
}

async function run(name, timeout) {
  const compiled = pathToFileURL(join(root, 'build', name.replace(/\.ts$/, '.js'))).href
  const failSkip = process.env.TAP_FAIL_SKIP === '1'
  current = new FileTest({ name, timeout, failSkip, cb: () => import(compiled) })
  current.on('data', (tap) => process.send({ tap }))
  await new Promise((resolve) => current.runMain(resolve))
  if (JSON.stringify(process.env) !== env) current.threw(new Error('It changed process.env and did not restore it.'))
  process.send({ ended: true })
}

process.on('message', ({ file, timeout }) => {
  if (file !== undefined) return run(file, timeout)
  // Nothing is left to run. A process that goes on has something open.
  process.off('disconnect', process.exit)
  process.disconnect()
})
process.on('disconnect', process.exit)
