import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { SessionsResponse } from '../../src/http/schemas/sessions.js'
import { testFolder } from '../support/database.js'
import { Device, read } from '../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, quickSettings, startService } from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

t.test('users, sessions and tokens survive a restart', async (t) => {
  const settings = await freshDatabase(t, 'embedded')
  const first = await startService(t, settings)
  const device = new Device(first.url)
  t.equal((await device.signIn('/register', 'ada@example.com')).status, 201)

  const { code, signal } = await first.stop()
  t.strictSame({ code, signal }, { code: 0, signal: null }, 'SIGTERM ends the process with code 0')

  device.url = (await startService(t, settings)).url
  const sessions = await device.send('GET', '/sessions')
  t.equal(sessions.status, 200, 'the access token is still valid')
  t.strictSame(
    read(SessionsResponse, sessions).sessions.map(({ id, device }) => ({ id, device })),
    [{ id: device.sessionId, device: 'phone' }]
  )
  t.equal((await device.refresh()).status, 200, 'the refresh token is still valid')
  t.equal((await new Device(device.url).signIn('/login', 'ada@example.com')).status, 200, 'the user can log in')
})

t.test('all files are in DATA_DIR, and only their owner can read them', async (t) => {
  const cwd = await testFolder(t)
  const home = await testFolder(t)
  const dataDir = join(await testFolder(t), 'not', 'there', 'yet')
  // A service that writes nowhere else also runs on a read-only file system.
  const settings = { ...quickSettings, DATA_DIR: dataDir, HOME: home, TMPDIR: home }
  const service = await startService(t, settings, { cwd })
  t.equal((await new Device(service.url).signIn('/register', 'ada@example.com')).status, 201)
  await service.stop()

  t.strictSame(await readdir(cwd), [], 'nothing is written to the working directory')
  t.strictSame(await readdir(home), [], 'nothing is written to the home and temporary directories')
  t.equal((await stat(join(dataDir, 'root-secret'))).mode & 0o777, 0o600, 'only the owner can read the root secret')
  t.equal((await stat(dataDir)).mode & 0o777, 0o700, 'only the owner can read the folder')
})
