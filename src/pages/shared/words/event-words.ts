import type { EndedReason, RecoveryReason } from '../../../core/vocabulary.js'
import type { PageWord } from '../../../languages/english-page.js'
import type { EventType } from '../../../ports/events.js'
import { say, sayIfKnown } from './language.js'

/** What happened. An event type that this page does not know is shown as it is. */
export function eventWords(type: string): string {
  return sayIfKnown(eventWord(type as EventType)) ?? type.replaceAll('_', ' ')
}

/** Why an event happened. A reason that this page does not know is shown as it is. */
export function reasonWords(reason: string | null | undefined): string {
  return reason ? (sayIfKnown(reasonWord(reason as EndedReason)) ?? reason.replaceAll('_', ' ')) : ''
}

/** The message for a user who did not sign out here. */
export function signedOutWords(reason: string): string {
  return sayIfKnown(signedOutWord(reason as EndedReason)) ?? say('signed_out_unknown')
}

// These lines do not compile if a type or a reason has no words.
const eventWord = (type: EventType): PageWord => `event_${type}`
const reasonWord = (reason: EndedReason | RecoveryReason | 'invitation' | 'host'): PageWord => `reason_${reason}`
const signedOutWord = (reason: EndedReason): PageWord => `signed_out_${reason}`
