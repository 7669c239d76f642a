import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { onServer, serverUrl } from '../support/database.js'
import { Device } from '../support/processes/device.js'
import { freshDatabase, latchkey, processTestMilliseconds, startService } from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

const entry = fileURLToPath(new URL('../support/processes/host-with-hook.js', import.meta.url))
const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'

t.test(
  'if a host is killed in the middle of a hook, another host delivers that event and all behind it',
  { skip },
  async (t) => {
    const database = await freshDatabase(t, 'server')
    const slow = await startService(t, { ...database, CALL_MILLISECONDS: '600000' }, { entry })
    const other = await startService(t, database, { entry })
    const created: string[] = []
    for (let count = 0; count < 3; count += 1) {
      const device = new Device(other.url)
      await device.signIn('/register', `person-${count}@example.com`)
      created.push(userIdOf(device))
    }
    const input = 'a long password for this test\n'
    const made = await latchkey(['user', 'create', 'cli@example.com', '--json'], database, { input })
    t.equal(made.code, 0, made.stderr)
    created.push(String(JSON.parse(made.stdout).id))

    await until(() => slow.printed().includes(`begins ${created[0]}`))
    t.notMatch(other.printed(), 'begins', 'one instance at a time')
    await slow.stop('SIGKILL')
    const schema = new URL(database.DATABASE_URL ?? '').searchParams.get('schema')
    await onServer((client) => client.query(`UPDATE "${schema}"."lease" SET "expires_at" = now()`))

    await until(() => other.printed().includes(`ends ${created[3]}`))
    const delivered = [...other.printed().matchAll(/ends (\S+)/g)].map(([, id]) => id)
    t.strictSame(delivered, created, 'in order, from the one that was not finished')
    t.notMatch(slow.printed(), 'ends')
  }
)

/** The `sub` of the device's access token. */
function userIdOf({ accessToken }: Device): string {
  return String(JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()).sub)
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(100)
}
