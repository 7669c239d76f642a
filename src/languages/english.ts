import type { Catalogue } from './catalogue.js'
import { englishPage } from './english-page.js'

const origin = { Time: '{at}', 'Browser or app': '{user_agent}', 'IP address': '{ip}' }
const notYou = 'If this was not you, set a new password now, and sign out the devices that you do not know.'

/** English. Other languages take from it what they lack. */
export const english: Catalogue = {
  words: {
    unknown: 'unknown',
    browser_on_system: '{browser} on {system}',
    bare_link: 'If the button does not work, open this address:',
    footer: 'This mail is about an account at {site}.'
  },
  page: englishPage,
  mails: {
    password_reset: {
      subject: 'Set a new password',
      paragraphs: [
        'You can set a new password with this link. It works once, for {link_life}.',
        '{button}',
        'If you know of no reason for this mail, ignore it: it changes nothing by itself.'
      ],
      button: 'Set a new password'
    },
    email_verification: {
      subject: 'Confirm your address',
      paragraphs: [
        'Somebody made an account with this address, and chose a password for it. If that was you, please confirm that this address is yours. The link works once, for {link_life}.',
        '{button}',
        'If that was not you, do not confirm: the person who chose the password could use the account in your name. Ignore this mail.'
      ],
      button: 'Confirm the address'
    },
    account_exists: {
      subject: 'You already have an account',
      paragraphs: [
        'Somebody wanted to use this address for another account, but you already have an account with it. If it was you, sign in. If you have forgotten your password, you can set a new one there.',
        '{button}',
        'If it was not you, ignore this mail. Nobody was told that you have an account.'
      ],
      button: 'Sign in'
    },
    unverified_account_exists: {
      subject: 'You already have an account',
      paragraphs: [
        'Somebody wanted to use this address for another account, but you already have an account with it. You can sign in there once you have confirmed the address. The link works once, for {link_life}.',
        '{button}',
        'If you have never made an account, do not confirm: somebody else has chosen its password. If you want the account, set a new password first, at {account_url}. Otherwise ignore this mail.'
      ],
      button: 'Confirm the address'
    },
    email_change: {
      subject: 'Confirm your new address',
      paragraphs: [
        'The account below is to get this address. If it is your account, confirm it. The link works once, for {link_life}.',
        '{details}',
        '{button}',
        'If it is not your account, ignore this mail. With the link, this address would belong to an account that somebody else can take back for 7 days.'
      ],
      details: { 'Account now': '{account}' },
      button: 'Confirm the new address'
    },
    email_added: {
      subject: 'Confirm your address',
      paragraphs: [
        'An account that has no address yet is to get this one. If you are signed in to that account, and asked for this mail there, confirm the address. The link works once, for {link_life}.',
        '{button}',
        'If you did not ask for this mail, ignore it. With the link, this address would belong to an account that somebody else goes on using.'
      ],
      button: 'Confirm the address'
    },
    email_changed: {
      subject: 'The address of your account was changed',
      paragraphs: [
        'Your account now has another address. From now on, mails about your account go there.',
        '{details}',
        'If this was not you, undo the change within {link_life}. That signs out all devices and removes the password. You then get a link to set a new one.',
        '{button}'
      ],
      details: { 'New address': '{new_email}', ...origin },
      button: 'Undo the change'
    },
    email_removed: {
      subject: 'This address is no longer the address of your account',
      paragraphs: [
        'Your account now has another address. From now on, mails about your account go there.',
        '{details}',
        'If this was not you, ask an administrator for help.'
      ],
      details: { Time: '{at}' }
    },
    invitation: {
      subject: 'You are invited',
      paragraphs: [
        'An account was made for you. To begin, set your password. The link works once, for {link_life}.',
        '{button}',
        'If you do not expect an invitation, ignore this mail.'
      ],
      button: 'Set a password'
    },
    password_was_reset: {
      subject: 'Your password was reset',
      paragraphs: [
        'A new password was set with a link, and all devices were signed out.',
        '{details}',
        'If this was not you, set another password now. Somebody may be able to read your mail.',
        '{button}'
      ],
      details: origin,
      button: 'Go to your account'
    },
    password_changed: {
      subject: 'Your password was changed',
      paragraphs: [
        'Your password was changed, and all other devices were signed out.',
        '{details}',
        'If this was not you, set a new password now.',
        '{button}'
      ],
      details: origin,
      button: 'Go to your account'
    },
    new_device: {
      subject: 'A new device signed in',
      paragraphs: ['A device signed in to your account for the first time.', '{details}', notYou, '{button}'],
      details: { Device: '{device}', ...origin },
      button: 'Look at your devices'
    },
    factor_changed: {
      subject: 'The way you sign in was changed',
      paragraphs: ['The way you sign in was changed: {change}', '{details}', notYou, '{button}'],
      details: origin,
      button: 'Go to your account'
    },
    theft_detected: {
      subject: 'A device was signed out, because its session may be stolen',
      paragraphs: [
        'An old copy of the session of one of your devices was used. Somebody may have stolen it, so the device was signed out. Please sign in there again.',
        '{details}',
        'If you do not recognize this, set a new password now, and sign out the devices that you do not know.',
        '{button}'
      ],
      details: {
        'Signed-out device': '{device}',
        Time: '{at}',
        'Used with': '{user_agent}',
        'From IP address': '{ip}'
      },
      button: 'Look at your devices'
    },
    account_disabled: {
      subject: 'Your account was disabled',
      paragraphs: ['An administrator disabled your account, and all devices were signed out.', '{details}'],
      details: { Time: '{at}' }
    }
  }
}
