import type { Catalogue } from './catalogue.js'
import { englishPage } from './english-page.js'

const ignore = 'If you did not ask for this, ignore this mail. Nothing changes.'
const origin = 'Time: {at}. Address: {ip}. Device: {user_agent}.'
const notYou = 'If this was not you, set a new password now, and look at your devices: {account_url}'

/** English: also the language of everything that another language lacks. */
export const english: Catalogue = {
  unknown: 'unknown',
  page: englishPage,
  mails: {
    password_reset: {
      subject: 'Set a new password',
      paragraphs: ['Use this link to set a new password. It works once, for 30 minutes.', ignore],
      button: 'Set a new password'
    },
    email_verification: {
      subject: 'Confirm your address',
      paragraphs: ['Confirm that this is your address. The link works once, for 24 hours.', ignore],
      button: 'Confirm the address'
    },
    account_exists: {
      subject: 'You have an account already',
      paragraphs: [
        'Somebody tried to register this address, which has an account already. If it was you, sign in, or ask for a new password: {account_url}',
        ignore
      ]
    },
    email_change: {
      subject: 'Confirm your new address',
      paragraphs: ['Confirm that your account moves to this address. The link works once, for 24 hours.', ignore],
      button: 'Confirm the new address'
    },
    email_changed: {
      subject: 'The address of your account was changed',
      paragraphs: [
        'Your account now has the address {new_email}.',
        origin,
        'If this was not you, undo it within 7 days. All devices are then signed out.'
      ],
      button: 'Undo the change'
    },
    invitation: {
      subject: 'You are invited',
      paragraphs: ['An account was made for you. Use this link to set your password. It works once, for 7 days.'],
      button: 'Set your password'
    },
    password_was_reset: {
      subject: 'Your password was reset',
      paragraphs: ['Your password was set by a link, and all devices were signed out.', origin, notYou]
    },
    password_changed: {
      subject: 'Your password was changed',
      paragraphs: ['Your password was changed, and all other devices were signed out.', origin, notYou]
    },
    new_device: {
      subject: 'A new device signed in',
      paragraphs: ['A device signed in to your account for the first time: {device}.', origin, notYou]
    },
    factor_changed: {
      subject: 'Your ways to sign in were changed',
      paragraphs: ['Your ways to sign in were changed: {change}.', origin, notYou]
    },
    theft_detected: {
      subject: 'A device was signed out, because its session may be stolen',
      paragraphs: [
        'An old copy of the session of {device} was used, so that device was signed out. Somebody may have copied it.',
        origin,
        notYou
      ]
    },
    account_disabled: {
      subject: 'Your account was disabled',
      paragraphs: ['An administrator disabled your account, and all devices were signed out.', 'Time: {at}.']
    }
  }
}
