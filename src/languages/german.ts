import type { Catalogue } from './catalogue.js'
import { germanPage } from './german-page.js'

const ignore = 'Wenn Sie das nicht veranlasst haben, brauchen Sie nichts zu tun. Es ändert sich nichts.'
const origin = 'Zeit: {at}. Adresse: {ip}. Gerät: {user_agent}.'
const notYou =
  'Waren Sie das nicht? Dann vergeben Sie jetzt ein neues Passwort, und prüfen Sie Ihre Geräte: {account_url}'

/** German, in the polite form. */
export const german: Catalogue = {
  unknown: 'unbekannt',
  page: germanPage,
  mails: {
    password_reset: {
      subject: 'Neues Passwort festlegen',
      paragraphs: [
        'Über diesen Link legen Sie ein neues Passwort fest. Er gilt 30 Minuten und lässt sich einmal verwenden.',
        ignore
      ],
      button: 'Neues Passwort festlegen'
    },
    email_verification: {
      subject: 'Bestätigen Sie Ihre E-Mail-Adresse',
      paragraphs: [
        'Bestätigen Sie bitte, dass diese Adresse Ihnen gehört. Der Link gilt 24 Stunden und lässt sich einmal verwenden.',
        ignore
      ],
      button: 'Adresse bestätigen'
    },
    account_exists: {
      subject: 'Sie haben bereits ein Konto',
      paragraphs: [
        'Jemand wollte sich mit dieser Adresse registrieren, für die es schon ein Konto gibt. Waren Sie das, dann melden Sie sich an oder fordern Sie ein neues Passwort an: {account_url}',
        ignore
      ]
    },
    email_change: {
      subject: 'Bestätigen Sie Ihre neue E-Mail-Adresse',
      paragraphs: [
        'Bestätigen Sie bitte, dass Ihr Konto künftig diese Adresse haben soll. Der Link gilt 24 Stunden und lässt sich einmal verwenden.',
        ignore
      ],
      button: 'Neue Adresse bestätigen'
    },
    email_changed: {
      subject: 'Die E-Mail-Adresse Ihres Kontos wurde geändert',
      paragraphs: [
        'Ihr Konto hat jetzt die Adresse {new_email}.',
        origin,
        'Waren Sie das nicht? Dann machen Sie die Änderung innerhalb von 7 Tagen rückgängig. Dabei werden alle Geräte abgemeldet.'
      ],
      button: 'Änderung rückgängig machen'
    },
    invitation: {
      subject: 'Sie sind eingeladen',
      paragraphs: [
        'Für Sie wurde ein Konto angelegt. Über diesen Link legen Sie Ihr Passwort fest. Er gilt 7 Tage und lässt sich einmal verwenden.'
      ],
      button: 'Passwort festlegen'
    },
    password_was_reset: {
      subject: 'Ihr Passwort wurde zurückgesetzt',
      paragraphs: [
        'Ihr Passwort wurde über einen Link neu festgelegt, und alle Geräte wurden abgemeldet.',
        origin,
        notYou
      ]
    },
    password_changed: {
      subject: 'Ihr Passwort wurde geändert',
      paragraphs: ['Ihr Passwort wurde geändert, und alle anderen Geräte wurden abgemeldet.', origin, notYou]
    },
    new_device: {
      subject: 'Anmeldung auf einem neuen Gerät',
      paragraphs: ['Ein Gerät hat sich zum ersten Mal bei Ihrem Konto angemeldet: {device}.', origin, notYou]
    },
    factor_changed: {
      subject: 'Ihre Anmeldung wurde geändert',
      paragraphs: ['Die Art, wie Sie sich anmelden, wurde geändert: {change}.', origin, notYou]
    },
    theft_detected: {
      subject: 'Ein Gerät wurde abgemeldet, weil seine Sitzung vielleicht gestohlen wurde',
      paragraphs: [
        'Eine alte Kopie der Sitzung von {device} wurde verwendet. Vielleicht hat jemand sie kopiert, deshalb wurde das Gerät abgemeldet.',
        origin,
        notYou
      ]
    },
    account_disabled: {
      subject: 'Ihr Konto wurde gesperrt',
      paragraphs: ['Ein Administrator hat Ihr Konto gesperrt. Alle Geräte wurden abgemeldet.', 'Zeit: {at}.']
    }
  }
}
