import type { Events } from '../../shared/responses.js'
import { timelineItem } from '../../shared/timeline.js'
import { mailWords } from '../mail/mail-words.js'

type Event = Events['events'][number]

/** One event of a timeline. The words for a reason depend on the type, because types use the same word differently. */
export function eventItem(event: Event): HTMLLIElement {
  return timelineItem({ ...event, reason: reasonOf(event) })
}

function reasonOf({ type, reason }: Event): string | null {
  if (reason === null) return null
  if (type === 'mail_bounced' || type === 'mail_given_up') return mailWords(reason)
  const words: Readonly<Record<string, string>> = isAboutLinks(type) ? deliveries : {}
  return words[reason] ?? reason
}

const isAboutLinks = (type: string) =>
  ['password_reset_started', 'user_invited', 'password_reset_requested'].includes(type)

const deliveries: Readonly<Record<string, string>> = {
  mail: 'the link was mailed',
  link: 'the link was shown to the administrator',
  limited: 'no mail, because there were too many',
  unknown_email: 'no account has the address'
}
