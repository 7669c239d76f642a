import { type Static, Type } from 'typebox'
import { maxCountedSessions } from '../../../core/vocabulary.js'
import type { MinuteCounts } from '../../../ports/index.js'
import { time, timeView } from '../shared.js'

const count = (description: string) => Type.Integer({ minimum: 0, description })

const Minute = Type.Object({
  at: time,
  logins: count('Successful logins.'),
  refreshes: count('Successful refreshes.'),
  revocations: count("Revoked sessions. Ending everybody's sessions counts once."),
  reuse: count('Sessions ended because an old refresh token was used again.')
})
export const CountsResponse = Type.Object({
  sessions: count(`Live sessions of all instances; the count stops at ${maxCountedSessions.toLocaleString('en')}.`),
  minutes: Type.Array(Minute, { description: 'The last sixty minutes of this instance, oldest first.' })
})

export function minuteView({ at, ...counts }: MinuteCounts): Static<typeof Minute> {
  return { at: timeView(at), ...counts }
}
