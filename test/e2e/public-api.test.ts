import t from 'tap'
import { Device } from '../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService } from '../support/processes/process.js'
import { freePort, pattern } from '../support/processes/readme.js'
import { publicExports } from '../support/public-api/exports.js'
import { expectedLines, runExample } from '../support/public-api/run-example.js'

/**
 * The docstrings of the package's exports. An example prints with `console.log(…) // expected` what it promises, where
 * `…` in `expected` stands for any text. It calls the service `https://auth.example.com`, and may use the constants
 * `accessToken` and `userId` of a user without roles.
 */
t.setTimeout(processTestMilliseconds)

const exports = publicExports()
const nameOf = ({ entryPoint, name }: (typeof exports)[number]) => `${entryPoint}: ${name}`

t.test('every export has a docstring', async (t) => {
  t.strictSame(exports.filter(({ documentation }) => documentation === '').map(nameOf), [])
})

t.test('every exported function, class and constant has an example, and every example checks something', async (t) => {
  t.strictSame(exports.filter(({ isValue, examples }) => isValue && examples.length === 0).map(nameOf), [])
  t.strictSame(
    exports.filter(({ examples }) => examples.some((code) => expectedLines(code).length === 0)).map(nameOf),
    []
  )
})

t.test('examples do what they say', async (t) => {
  const port = String(await freePort())
  const url = `http://localhost:${port}`
  const settings = { PORT: port, ISSUER: url, REFRESH_GRACE_SECONDS: '1' }
  await startService(t, { ...(await freshDatabase(t, 'embedded')), ...settings })
  const device = new Device(url)
  await device.signIn('/register', 'user@example.com')
  const { sub: userId } = JSON.parse(Buffer.from(device.accessToken.split('.')[1] ?? '', 'base64url').toString())
  const values = { url, constants: { accessToken: device.accessToken, userId } }

  // Most of an example's time is waiting, so several run at once.
  t.jobs = 4
  for (const one of exports) {
    for (const example of one.examples) {
      t.test(nameOf(one), { buffered: true }, async (t) => {
        const lines = await runExample(t, example, values)
        t.strictSame(
          lines.map(({ expected }) => expected),
          expectedLines(example),
          'each checked line runs once'
        )
        for (const { expected, actual } of lines) t.match(actual, pattern(expected))
      })
    }
  }
})
