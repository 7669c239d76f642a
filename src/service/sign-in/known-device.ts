import { type DeviceTokenContent, deviceTokenLifeSeconds } from '../../core/opaque-token.js'
import type { Ports } from '../../ports/index.js'

export type DevicePorts = Pick<Ports, 'opaqueTokens' | 'clock' | 'entropy'>

/** The content of a genuine device token that has not expired. Compare its user id before you trust it. */
export function openDeviceToken(ports: DevicePorts, token: string | undefined): DeviceTokenContent | undefined {
  const device = token === undefined ? undefined : ports.opaqueTokens.open('device', token)
  if (device === undefined) return undefined
  return ports.clock.now() < (device.issuedAt + deviceTokenLifeSeconds) * 1000 ? device : undefined
}

/** Makes the token that proves at the next login that this device has signed in. A known device keeps its id. */
export function issueDeviceToken(ports: DevicePorts, userId: string, known: DeviceTokenContent | undefined): string {
  const issuedAt = Math.floor(ports.clock.now() / 1000)
  return ports.opaqueTokens.issue('device', { userId, deviceId: known?.deviceId ?? ports.entropy.uuid(), issuedAt })
}
