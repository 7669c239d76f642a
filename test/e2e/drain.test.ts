import { Agent, request } from 'node:http'
import t from 'tap'
import { Device } from '../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService } from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

const clients = 30

t.test('on SIGTERM under load every request is answered and no connection is reset', async (t) => {
  const service = await startService(t, await freshDatabase(t, 'embedded'))
  const device = new Device(service.url)
  await device.signIn('/register', 'ada@example.com')

  let served = 0
  const faults: string[] = []
  const loop = async () => {
    // One connection per client, open as long as the server keeps it.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (;;) {
      const outcome = await send(`${service.url}/me`, device.accessToken, agent)
      if (outcome === 'ECONNREFUSED') return agent.destroy()
      if (outcome === '200') served += 1
      else faults.push(outcome)
    }
  }
  const loops = Promise.all(Array.from({ length: clients }, loop))
  while (served < 10 * clients) await new Promise((resolve) => setTimeout(resolve, 10))
  const before = served
  const { code, signal } = await service.stop('SIGTERM')
  await loops
  t.strictSame(faults, [], `${served} served, ${served - before} of them after the signal`)
  t.ok(served > before)
  t.strictSame({ code, signal }, { code: 0, signal: null })
})

/** The status of the response, or the code of the error. */
function send(url: string, accessToken: string, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(url, { agent, headers: { authorization: `Bearer ${accessToken}` } }, (response) => {
      response
        .once('end', () => resolve(String(response.statusCode)))
        .once('error', fail)
        .resume()
    })
    const fail = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)
    sent.once('error', fail).end()
  })
}
