import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { SetUpFailed } from '../../../src/race-kit/players/accounts.js'
import { readGrace } from '../../../src/race-kit/players/grace.js'

/** The address of a service whose `/auth/features` answers this. */
async function serviceThatTells(t: Test, status: number, body: string): Promise<string> {
  const server = createServer((request, response) => {
    response
      .writeHead(request.url === '/auth/features' ? status : 500, { 'content-type': 'application/json' })
      .end(body)
  })
  t.teardown(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth`
}

t.test('the race judges by the grace in GET /features, not by the option', async (t) => {
  const url = await serviceThatTells(t, 200, '{"refresh_grace_seconds":7}')
  t.strictSame(await readGrace(url, 2), { seconds: 7, fromFeatures: true })
  t.strictSame(await readGrace(`${url}/`), { seconds: 7, fromFeatures: true })
})

t.test('a service without GET /features is judged by the option, or by 20 s', async (t) => {
  for (const [status, body] of [
    [404, '{"code":"not_found"}'],
    [200, '{"other":1}'],
    [200, '<html>']
  ] as const) {
    const url = await serviceThatTells(t, status, body)
    t.strictSame(await readGrace(url, 2), { seconds: 2, fromFeatures: false })
    t.strictSame(await readGrace(url), { seconds: 20, fromFeatures: false })
  }
  t.strictSame(await readGrace('http://127.0.0.1:9', 2), { seconds: 2, fromFeatures: false })
})

t.test('a service with strict rotation cannot be raced', async (t) => {
  const url = await serviceThatTells(t, 200, '{"refresh_grace_seconds":0}')
  await t.rejects(readGrace(url), SetUpFailed)
})
