import type { Mailer } from '../../ports/mail.js'
import type { Log } from '../../ports/runtime.js'

/** Prints mails into the log, with their links: for development on one machine only. */
export function logMailer(log: Log): Mailer {
  return async ({ kind, to, subject, link }) => {
    log.info({ kind, to, subject, link }, 'MAIL_URL is not set, so this mail is only printed here')
  }
}
