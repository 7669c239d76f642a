import type { Catalogue } from './catalogue.js'
import { germanPage } from './german-page.js'

const origin = { Zeitpunkt: '{at}', 'Browser oder App': '{user_agent}', 'IP-Adresse': '{ip}' }
const notYou =
  'Waren Sie das nicht? Dann legen Sie sofort ein neues Passwort fest und melden Sie alle Geräte ab, die Sie nicht kennen.'

/** German, in the polite form. */
export const german: Catalogue = {
  words: {
    unknown: 'unbekannt',
    browser_on_system: '{browser} unter {system}',
    bare_link: 'Falls die Schaltfläche nicht funktioniert, öffnen Sie diese Adresse:',
    footer: 'Diese Nachricht betrifft ein Konto bei {site}.'
  },
  page: germanPage,
  mails: {
    password_reset: {
      subject: 'Neues Passwort festlegen',
      paragraphs: [
        'Mit diesem Link können Sie ein neues Passwort festlegen. Er gilt {link_life} und funktioniert nur einmal.',
        '{button}',
        'Wenn Sie keinen Grund für diese Nachricht kennen, ignorieren Sie sie. Von allein ändert sie nichts.'
      ],
      button: 'Neues Passwort festlegen'
    },
    email_verification: {
      subject: 'Bestätigen Sie Ihre E-Mail-Adresse',
      paragraphs: [
        'Jemand hat mit dieser Adresse ein Konto angelegt und ein Passwort dafür gewählt. Wenn Sie das waren, bestätigen Sie bitte, dass diese Adresse Ihnen gehört. Der Link gilt {link_life} und funktioniert nur einmal.',
        '{button}',
        'Wenn Sie das nicht waren, bestätigen Sie nicht: Wer das Passwort gewählt hat, könnte das Konto in Ihrem Namen benutzen. Ignorieren Sie diese Nachricht.'
      ],
      button: 'Adresse bestätigen'
    },
    account_exists: {
      subject: 'Sie haben bereits ein Konto',
      paragraphs: [
        'Jemand wollte diese Adresse für ein anderes Konto verwenden, aber Sie haben damit schon ein Konto. Wenn Sie das waren, melden Sie sich einfach an. Haben Sie Ihr Passwort vergessen, können Sie dort ein neues festlegen.',
        '{button}',
        'Wenn Sie das nicht waren, ignorieren Sie diese Nachricht. Niemand hat erfahren, dass Sie ein Konto haben.'
      ],
      button: 'Anmelden'
    },
    unverified_account_exists: {
      subject: 'Sie haben bereits ein Konto',
      paragraphs: [
        'Jemand wollte diese Adresse für ein anderes Konto verwenden, aber Sie haben damit schon ein Konto. Sie können sich dort anmelden, sobald Sie die Adresse bestätigt haben. Der Link gilt {link_life} und funktioniert nur einmal.',
        '{button}',
        'Haben Sie nie ein Konto angelegt? Dann bestätigen Sie nicht: Jemand anders hat das Passwort gewählt. Wenn Sie das Konto wollen, legen Sie zuerst unter {account_url} ein neues Passwort fest. Sonst ignorieren Sie diese Nachricht.'
      ],
      button: 'Adresse bestätigen'
    },
    email_change: {
      subject: 'Bestätigen Sie Ihre neue E-Mail-Adresse',
      paragraphs: [
        'Das unten genannte Konto soll diese Adresse bekommen. Wenn es Ihr Konto ist, bestätigen Sie das bitte. Der Link gilt {link_life} und funktioniert nur einmal.',
        '{details}',
        '{button}',
        'Wenn es nicht Ihr Konto ist, ignorieren Sie diese Nachricht. Durch den Link würde diese Adresse zu einem Konto gehören, das sich jemand anders 7 Tage lang zurückholen kann.'
      ],
      details: { 'Konto bisher': '{account}' },
      button: 'Neue Adresse bestätigen'
    },
    email_added: {
      subject: 'Bestätigen Sie Ihre E-Mail-Adresse',
      paragraphs: [
        'Ein Konto, das noch keine E-Mail-Adresse hat, soll diese Adresse bekommen. Wenn Sie in diesem Konto angemeldet sind und diese Nachricht dort angefordert haben, bestätigen Sie bitte die Adresse. Der Link gilt {link_life} und funktioniert nur einmal.',
        '{button}',
        'Wenn Sie diese Nachricht nicht angefordert haben, ignorieren Sie sie. Durch den Link würde diese Adresse zu einem Konto gehören, das jemand anders weiter benutzt.'
      ],
      button: 'Adresse bestätigen'
    },
    email_changed: {
      subject: 'Die E-Mail-Adresse Ihres Kontos wurde geändert',
      paragraphs: [
        'Ihr Konto hat jetzt eine andere Adresse. Nachrichten wie diese gehen künftig dorthin.',
        '{details}',
        'Waren Sie das nicht? Dann machen Sie die Änderung rückgängig. Dabei werden alle Geräte abgemeldet, und das Passwort wird entfernt. Sie bekommen dann einen Link, um ein neues festzulegen. Der Link zum Rückgängigmachen gilt {link_life}.',
        '{button}'
      ],
      details: { 'Neue Adresse': '{new_email}', ...origin },
      button: 'Änderung rückgängig machen'
    },
    email_removed: {
      subject: 'Ihr Konto hat diese E-Mail-Adresse nicht mehr',
      paragraphs: [
        'Ihr Konto hat jetzt eine andere Adresse. Nachrichten wie diese gehen künftig dorthin.',
        '{details}',
        'Waren Sie das nicht? Dann bitten Sie den Administrator um Hilfe.'
      ],
      details: { Zeitpunkt: '{at}' }
    },
    invitation: {
      subject: 'Sie sind eingeladen',
      paragraphs: [
        'Für Sie wurde ein Konto angelegt. Legen Sie zuerst Ihr Passwort fest. Der Link gilt {link_life} und funktioniert nur einmal.',
        '{button}',
        'Wenn Sie keine Einladung erwarten, ignorieren Sie diese Nachricht.'
      ],
      button: 'Passwort festlegen'
    },
    password_was_reset: {
      subject: 'Ihr Passwort wurde zurückgesetzt',
      paragraphs: [
        'Über einen Link wurde ein neues Passwort festgelegt. Alle Geräte wurden abgemeldet.',
        '{details}',
        'Waren Sie das nicht? Dann legen Sie sofort ein anderes Passwort fest. Möglicherweise kann jemand Ihre E-Mails lesen.',
        '{button}'
      ],
      details: origin,
      button: 'Zu Ihrem Konto'
    },
    password_changed: {
      subject: 'Ihr Passwort wurde geändert',
      paragraphs: [
        'Ihr Passwort wurde geändert. Alle anderen Geräte wurden abgemeldet.',
        '{details}',
        'Waren Sie das nicht? Dann legen Sie sofort ein neues Passwort fest.',
        '{button}'
      ],
      details: origin,
      button: 'Zu Ihrem Konto'
    },
    new_device: {
      subject: 'Anmeldung mit einem neuen Gerät',
      paragraphs: ['Ein Gerät hat sich zum ersten Mal bei Ihrem Konto angemeldet.', '{details}', notYou, '{button}'],
      details: { Gerät: '{device}', ...origin },
      button: 'Geräte ansehen'
    },
    factor_changed: {
      subject: 'Ihre Anmeldung wurde geändert',
      paragraphs: ['Die Art, wie Sie sich anmelden, wurde geändert: {change}', '{details}', notYou, '{button}'],
      details: origin,
      button: 'Zu Ihrem Konto'
    },
    theft_detected: {
      subject: 'Ein Gerät wurde abgemeldet: Verdacht auf Diebstahl',
      paragraphs: [
        'Eine alte Kopie der Sitzung eines Ihrer Geräte wurde verwendet. Möglicherweise hat jemand sie gestohlen. Das Gerät wurde deshalb abgemeldet; bitte melden Sie sich dort wieder an.',
        '{details}',
        'Kommt Ihnen das fremd vor? Dann legen Sie sofort ein neues Passwort fest und melden Sie alle Geräte ab, die Sie nicht kennen.',
        '{button}'
      ],
      details: {
        'Abgemeldetes Gerät': '{device}',
        Zeitpunkt: '{at}',
        'Verwendet mit': '{user_agent}',
        'Von IP-Adresse': '{ip}'
      },
      button: 'Geräte ansehen'
    },
    account_disabled: {
      subject: 'Ihr Konto wurde gesperrt',
      paragraphs: ['Ein Administrator hat Ihr Konto gesperrt. Alle Geräte wurden abgemeldet.', '{details}'],
      details: { Zeitpunkt: '{at}' }
    }
  }
}
