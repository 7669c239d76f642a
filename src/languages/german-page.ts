import type { PageWords } from './english-page.js'

/** The words of the account page in German. */
export const germanPage: PageWords = {
  sign_in: 'Anmelden',
  sign_out: 'Abmelden',
  too_many_attempts: 'Zu viele Versuche. Bitte warten Sie {seconds} Sekunden.'
}
