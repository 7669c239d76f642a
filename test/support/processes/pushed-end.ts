import type { Test } from 'tap'
import { Device } from './device.js'

/** Checks that a session which is ended at `from` is refused by the instance at `to` within a second. */
export async function expectPushedEnd(t: Test, from: string, to: string, email: string): Promise<void> {
  const device = new Device(from)
  t.equal((await device.signIn('/register', email)).status, 201)
  const elsewhere = Object.assign(new Device(to), { accessToken: device.accessToken })
  t.equal((await elsewhere.send('GET', '/me')).status, 200)
  t.equal((await device.send('POST', '/logout')).status, 204)
  const milliseconds = await refusedAfter(elsewhere)
  t.ok(milliseconds < 1000, `refused elsewhere after ${Math.round(milliseconds)} ms`)
}

/** How long it takes until the device's access token is refused, in milliseconds. */
export async function refusedAfter(device: Device): Promise<number> {
  const from = performance.now()
  while ((await device.send('GET', '/me')).status !== 401) {}
  return performance.now() - from
}
