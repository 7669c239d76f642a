import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { breachedPasswords } from '../../../src/adapters/passwords/breached-passwords.js'

/** The SHA-1 of "password": the first 5 digits and the other 35. */
const prefix = '5BAA6'
const suffix = '1E4C9B93F3F0682250B6CF8331B7EE68FD8'
const otherSuffix = '0018A45C4D1DEF81644B54AB7F969B88D65'

/**
 * A range service that answers by `answer`, the requests that it got, and the failures that were reported. By default no
 * answer is too late, however busy the machine is.
 */
async function rangeService(
  t: Test,
  answer: (response: ServerResponse, request: IncomingMessage) => void,
  timeoutMilliseconds = 60_000
) {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => {
    asked.push(request)
    answer(response, request)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const failures: unknown[] = []
  const isBreached = breachedPasswords({
    url: `http://127.0.0.1:${port}/range`,
    onFailure: (error) => void failures.push(error),
    timeoutMilliseconds
  })
  return { asked, failures, isBreached }
}

t.test('a password whose suffix is in the range has leaked', async (t) => {
  const { asked, failures, isBreached } = await rangeService(t, (response) =>
    response.end(`${otherSuffix}:3\r\n${suffix}:9545824\r\n`)
  )
  t.ok(await isBreached('password'))
  t.equal(asked[0]?.url, `/range/${prefix}`, 'the service learns only the prefix')
  t.equal(asked[0]?.headers['add-padding'], 'true')
  t.notMatch(JSON.stringify(asked[0]?.headers), suffix)
  t.strictSame(failures, [])
})

t.test('a password whose suffix is missing, or is padding, has not leaked', async (t) => {
  for (const body of ['', `${otherSuffix}:3\r\n`, `${suffix}:0\r\n${otherSuffix}:3`, `X${suffix}:7`, `${suffix}8:7`]) {
    const { failures, isBreached } = await rangeService(t, (response) => response.end(body))
    t.notOk(await isBreached('password'), JSON.stringify(body))
    t.strictSame(failures, [])
  }
})

t.test('line ends and the case of digits do not matter', async (t) => {
  const { isBreached } = await rangeService(t, (response) =>
    response.end(`${otherSuffix}:1\n${suffix.toLowerCase()}:2`)
  )
  t.ok(await isBreached('password'))
})

const failing: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'answers 503': (response) => response.writeHead(503).end(`${suffix}:5`),
  'answers 404': (response) => response.writeHead(404).end(),
  redirects: (response) => response.writeHead(302, { location: '/range/other' }).end(),
  'closes the connection': (response) => response.destroy(),
  'answers without end': (response) => response.end('0'.repeat(2_000_000))
}

const neverFinishing: typeof failing = {
  'does not answer in time': () => undefined,
  'stops in the middle of its answer': (response) => response.write(`${otherSuffix}:1\r\n`)
}

for (const [cases, timeoutMilliseconds] of [[failing], [neverFinishing, 500]] as const) {
  for (const [what, answer] of Object.entries(cases)) {
    t.test(`if the service ${what}, the password is accepted and the failure reported`, async (t) => {
      const { failures, isBreached } = await rangeService(t, answer, timeoutMilliseconds)
      t.notOk(await isBreached('password'))
      t.equal(failures.length, 1)
    })
  }
}
