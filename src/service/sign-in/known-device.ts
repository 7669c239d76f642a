import { type DeviceTokenContent, deviceTokenLifeSeconds } from '../../core/opaque-token.js'
import type { Ports } from '../../ports/index.js'

export type DevicePorts = Pick<Ports, 'opaqueTokens' | 'clock' | 'entropy'>

/** The device that has signed in to the user's account before; undefined where `token` does not prove one. */
export function knownDevice(
  ports: DevicePorts,
  token: string | undefined,
  userId: string | undefined
): DeviceTokenContent | undefined {
  const device = token === undefined ? undefined : ports.opaqueTokens.open('device', token)
  if (device === undefined || device.userId !== userId) return undefined
  return ports.clock.now() < (device.issuedAt + deviceTokenLifeSeconds) * 1000 ? device : undefined
}

/** What the client proves next time with that it has signed in to this account; a device keeps its id. */
export function issueDeviceToken(ports: DevicePorts, userId: string, known: DeviceTokenContent | undefined): string {
  const issuedAt = Math.floor(ports.clock.now() / 1000)
  return ports.opaqueTokens.issue('device', { userId, deviceId: known?.deviceId ?? ports.entropy.uuid(), issuedAt })
}
