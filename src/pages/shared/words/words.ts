import { readUserAgent } from '../../../languages/user-agent.js'
import { pageLocale, say } from './language.js'

/** Words for user agents, addresses and times, in the language of the page. */

/** "Firefox on Windows". For a program that is not a browser, the name in its user agent. */
export function deviceWords(userAgent: string | null): string {
  const { browser, system, program } = readUserAgent(userAgent ?? '')
  if (browser !== undefined) return system === undefined ? browser : say('browser_on_system', { browser, system })
  return program ?? say('unknown_device')
}

export type DeviceKind = 'phone' | 'computer' | 'program'

export function deviceKind(userAgent: string | null): DeviceKind {
  const { browser, isMobile } = readUserAgent(userAgent ?? '')
  if (browser === undefined) return 'program'
  return isMobile ? 'phone' : 'computer'
}

/** Names loopback and private addresses; shows every other address as it is. */
export function placeWords(ip: string | null): string {
  if (ip === null) return say('unknown_address')
  if (/^(127\.|::1$|::ffff:127\.)/.test(ip)) return say('this_computer', { ip })
  if (/^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|fd|fe80:)/i.test(ip)) return say('local_network', { ip })
  return ip
}

/** Makes the first letter a capital. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const relative = () => new Intl.RelativeTimeFormat(pageLocale(), { numeric: 'auto' })

/** "5 minutes ago", "in 2 hours"; the date if it is a week away or more. */
export function timeWords(time: string): string {
  const seconds = (Date.parse(time) - Date.now()) / 1000
  const distanceSeconds = Math.abs(seconds)
  if (distanceSeconds < 45) return say('just_now')
  if (distanceSeconds < 45 * 60) return relative().format(Math.round(seconds / 60), 'minute')
  if (distanceSeconds < 22 * 3600) return relative().format(Math.round(seconds / 3600), 'hour')
  if (distanceSeconds < 7 * 86_400) return relative().format(Math.round(seconds / 86_400), 'day')
  const date = new Date(time)
  const isThisYear = date.getFullYear() === new Date().getFullYear()
  const parts = isThisYear ? ({ day: 'numeric', month: 'long' } as const) : ({ dateStyle: 'long' } as const)
  return say('on_date', { date: new Intl.DateTimeFormat(pageLocale(), parts).format(date) })
}

/** "in 30 seconds", "in 2 minutes". */
export function waitWords(seconds: number): string {
  if (seconds <= 90) return relative().format(Math.ceil(seconds), 'second')
  return seconds <= 5400
    ? relative().format(Math.ceil(seconds / 60), 'minute')
    : relative().format(Math.ceil(seconds / 3600), 'hour')
}

export function exactTime(time: string): string {
  return new Intl.DateTimeFormat(pageLocale(), { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(time))
}
