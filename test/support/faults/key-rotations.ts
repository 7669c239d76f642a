import { createHmac } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { headerOf } from '../../../src/testing/signing.js'
import { Device } from '../processes/device.js'
import { encode, makeKey, signToken } from '../verifier/issuer.js'
import { refusedAfter } from './fan-out.js'
import type { Fleet, Guard } from './fleet.js'
import { adminEmail } from './fleet-settings.js'
import { HonestLoad, type HonestReport, kidOf, signInDevices } from './honest-load.js'

/** Rotates signing keys under load, and then retires all keys except the newest at once. */

export interface KeyRotationReport {
  readonly honest: HonestReport
  /** How many keys have signed access tokens. */
  readonly keys: number
  /** Tokens that a guard refused before their key was retired. */
  readonly refusedEarly: readonly string[]
  /** Forged tokens that a guard accepted. */
  readonly forgeries: readonly string[]
  /** For each token of a retired key, how many milliseconds later the last guard refused it, sorted. */
  readonly times: readonly number[]
  /** Whether all guards accepted every device again after its next refresh. */
  readonly acceptedAfterRefresh: boolean
}

export async function runKeyRotations(
  fleet: Fleet,
  { rotations, honest }: { readonly rotations: number; readonly honest: number }
): Promise<KeyRotationReport> {
  const admins = fleet.instances.map((url) => new Device(url))
  for (const admin of admins) await admin.signIn('/login', adminEmail)
  const devices = await signInDevices(fleet, honest)
  const load = new HonestLoad(fleet, undefined, devices)
  load.start()
  for (let rotation = 1; rotation <= rotations; rotation += 1) {
    await rotate(admins[rotation % admins.length], {})
    for (let i = 0; i < 1000 && load.tokens.size <= rotation; i += 1) await delay(20)
  }
  await load.stop()

  const tokens = [...load.tokens.values()]
  const refusedEarly: string[] = []
  for (const token of tokens)
    for (const guard of fleet.guards)
      if ((await guard.judge(token)) !== 'accepted') refusedEarly.push(`${kidOf(token)} by ${guard.name}`)
  const forgeries = await acceptedForgeries(fleet.guards, tokens.at(-1) ?? '')

  await rotate(admins[1], { revoke_old: true })
  const retiredAt = performance.now()
  const from = () => retiredAt
  const times = await Promise.all(
    tokens.map(async (token) => {
      const taken = await Promise.all(fleet.guards.map((guard) => refusedAfter(guard, token, from)))
      return Math.max(...taken.map(({ milliseconds }) => milliseconds))
    })
  )
  await Promise.all(devices.map((device) => device.refresh()))
  const judgements = await Promise.all(
    devices.flatMap(({ accessToken }) => fleet.guards.map((guard) => guard.judge(accessToken)))
  )
  const acceptedAfterRefresh = judgements.every((judgement) => judgement === 'accepted')
  return {
    honest: load.report(),
    keys: tokens.length,
    refusedEarly,
    forgeries,
    times: times.sort((a, b) => a - b),
    acceptedAfterRefresh
  }
}

async function rotate(admin: Device | undefined, body: object): Promise<void> {
  const answer = await admin?.send('POST', '/admin/keys/rotate', body)
  if (answer?.status !== 200) throw new Error(`The rotation was answered ${JSON.stringify(answer)}.`)
}

/** The names of forged tokens that a guard accepts, each with the guard. */
async function acceptedForgeries(guards: readonly Guard[], genuine: string): Promise<string[]> {
  const kid = kidOf(genuine)
  const [, payload = '', signature = ''] = genuine.split('.')
  const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const swapped = (alg: string) => encode({ ...headerOf({ alg: 'ES256', kid }), alg })
  const secret = createHmac('sha256', kid)
    .update(`${swapped('HS256')}.${payload}`)
    .digest('base64url')
  const forgeries: Record<string, string> = {
    'a foreign key under the same kid': signToken(makeKey('ES256', kid), claims),
    'a foreign key of another algorithm': signToken(makeKey('EdDSA', kid), claims),
    'a swapped alg': `${swapped('EdDSA')}.${payload}.${signature}`,
    'alg none': `${swapped('none')}.${payload}.`,
    'HS256 with what is public': `${swapped('HS256')}.${payload}.${secret}`
  }
  const accepted: string[] = []
  for (const [name, token] of Object.entries(forgeries))
    for (const guard of guards) if ((await guard.judge(token)) !== 'refused') accepted.push(`${name} by ${guard.name}`)
  return accepted
}
