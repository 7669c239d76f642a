import { readUserAgent } from '../../languages/user-agent.js'

/** Words for user agents, addresses and times. */

/** "Firefox on Windows". For a program that is not a browser, the name in its user agent. */
export function deviceWords(userAgent: string | null): string {
  const { browser, system, program } = readUserAgent(userAgent ?? '')
  if (browser !== undefined) return system === undefined ? browser : `${browser} on ${system}`
  return program ?? 'Unknown device'
}

export type DeviceKind = 'phone' | 'computer' | 'program'

export function deviceKind(userAgent: string | null): DeviceKind {
  if (userAgent === null || readUserAgent(userAgent).browser === undefined) return 'program'
  return /Android|iPhone|iPad|Mobile/.test(userAgent) ? 'phone' : 'computer'
}

/** Names loopback and private addresses; shows every other address as it is. */
export function placeWords(ip: string | null): string {
  if (ip === null) return 'unknown address'
  if (/^(127\.|::1$|::ffff:127\.)/.test(ip)) return `this computer (${ip})`
  if (/^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|fd|fe80:)/i.test(ip)) return `the local network (${ip})`
  return ip
}

/** Makes the first letter a capital. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'long' })
const dayAndYear = new Intl.DateTimeFormat('en', { dateStyle: 'long' })
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'medium' })

/** "5 minutes ago", "in 2 hours"; the date if it is a week away or more. */
export function timeWords(time: string): string {
  const seconds = (Date.parse(time) - Date.now()) / 1000
  const distanceSeconds = Math.abs(seconds)
  if (distanceSeconds < 45) return 'just now'
  if (distanceSeconds < 45 * 60) return relative.format(Math.round(seconds / 60), 'minute')
  if (distanceSeconds < 22 * 3600) return relative.format(Math.round(seconds / 3600), 'hour')
  if (distanceSeconds < 7 * 86_400) return relative.format(Math.round(seconds / 86_400), 'day')
  const date = new Date(time)
  const isThisYear = date.getFullYear() === new Date().getFullYear()
  return `on ${(isThisYear ? day : dayAndYear).format(date)}`
}

export function exactTime(time: string): string {
  return exact.format(new Date(time))
}
