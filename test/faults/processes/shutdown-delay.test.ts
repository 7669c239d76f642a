import t, { type Test } from 'tap'
import { status, until } from '../../support/faults/crowd.js'
import { freshDatabase, processTestMilliseconds, startService } from '../../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

/** Longer than the test, so that only a signal can end it. */
const startSlowToStop = async (t: Test) =>
  startService(t, { ...(await freshDatabase(t, 'embedded')), SHUTDOWN_DELAY_SECONDS: '300' })

t.test('after SIGTERM all but /readyz is served, and a second signal ends the wait', async (t) => {
  const service = await startSlowToStop(t)
  const { url, pid, ended } = service
  t.equal(await status(`${url}/readyz`), 200)
  process.kill(pid, 'SIGTERM')
  await until(async () => (await status(`${url}/readyz`)) === 503)
  t.equal(await status(`${url}/healthz`), 200)
  const response = await fetch(`${url}/features`, { headers: { connection: 'close' } })
  t.equal(response.status, 200, 'on a new connection')
  process.kill(pid, 'SIGTERM')
  t.match(await ended, { code: 0, signal: null })
})

t.test('SIGINT does not wait, before SIGTERM or after it', async (t) => {
  const interrupted = await startSlowToStop(t)
  process.kill(interrupted.pid, 'SIGINT')
  t.match(await interrupted.ended, { code: 0, signal: null })

  const { url, pid, ended } = await startSlowToStop(t)
  process.kill(pid, 'SIGTERM')
  await until(async () => (await status(`${url}/readyz`)) === 503)
  process.kill(pid, 'SIGINT')
  t.match(await ended, { code: 0, signal: null })
})
