import { fileURLToPath } from 'node:url'
import t from 'tap'
import { testDatabases } from '../../support/database.js'
import { type Killpoint, killpoints } from '../../support/faults/failpoint.js'
import { Device } from '../../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService } from '../../support/processes/process.js'

t.setTimeout(2 * processTestMilliseconds)

const entry = fileURLToPath(new URL('../../support/processes/serve-with-failpoint.js', import.meta.url))
const effects: Readonly<Record<Killpoint, string>> = {
  before: 'the old token still works',
  uncommitted: 'the old token still works',
  committed: 'the retry gets the same successor',
  'batch committed': 'the retry of each refresh gets the same successor'
}

for (const kind of testDatabases(t)) {
  t.test(`kill -9 during a refresh (${kind})`, async (t) => {
    const settings = await freshDatabase(t, kind)
    let service = await startService(t, settings)
    const device = new Device(service.url)
    await device.signIn('/register', 'ada@example.com')
    await service.stop()

    for (const point of killpoints) {
      await t.test(`killed at "${point}": ${effects[point]}`, async (t) => {
        const failing = await startService(t, { ...settings, FAILPOINT: point }, { entry })
        const devices = Array.from({ length: point === 'batch committed' ? 5 : 1 }, () => new Device(failing.url))
        for (const device of devices) await device.signIn('/login', 'ada@example.com')
        const copies = devices.map(({ refreshToken, retryKey }) =>
          Object.assign(new Device(''), { refreshToken, retryKey })
        )
        const answers = devices.map((device) => device.refresh().catch((error: unknown) => error))
        const unanswered = (await Promise.all(answers)).filter((answer) => answer instanceof TypeError)
        // The first refreshes have statements of their own, and the others share the one after which the process ends.
        t.ok(unanswered.length >= (devices.length === 1 ? 1 : 2), 'the process ends before it answers')
        t.equal((await failing.ended).signal, 'SIGKILL')

        service = await startService(t, settings)
        for (const [index, device] of devices.entries()) {
          const copy = copies[index] ?? device
          device.url = service.url
          copy.url = service.url
          t.equal((await device.refresh()).status, 200)
          t.equal((await copy.refresh()).status, 200, 'a second retry succeeds, too')
          t.equal(device.generation, 1)
          t.equal(copy.refreshToken, device.refreshToken, 'both retries get the same token')
        }
        if (point === 'batch committed') {
          const metrics = await (await fetch(`${service.url}/metrics`)).text()
          t.match(metrics, 'latchkey_refreshes_total{outcome="rotated"} 0', 'all had been committed')
        }
        await service.stop()
      })
    }
  })
}
